/// Ports that the kernel gives connections as their own (ip(7)).
package struct EphemeralPorts: Sendable, Equatable {
    private let range: ClosedRange<UInt16>
    /// Which of them it leaves alone.
    private let reserved: [ClosedRange<UInt16>]

    /// - Parameters:
    ///   - range: `32768	60999`, as `ip_local_port_range` has it.
    ///   - reserved: `8080,9000-9010`, as `ip_local_reserved_ports` has it.
    init?(range: String, reserved: String) {
        let ends = range.split(whereSeparator: \.isWhitespace).compactMap { UInt16($0) }
        guard ends.count == 2, ends[0] <= ends[1] else { return nil }
        self.range = ends[0]...ends[1]
        self.reserved = reserved.split(whereSeparator: { $0 == "," || $0.isWhitespace }).compactMap { text in
            let ends = text.split(separator: "-").compactMap { UInt16($0) }
            guard let first = ends.first, let last = ends.last, first <= last else { return nil }
            return first...last
        }
    }

    package func contains(_ port: UInt16) -> Bool {
        range.contains(port) && !reserved.contains { $0.contains(port) }
    }

    /// Those of this network namespace; `nil`: it cannot be read.
    package static var current: EphemeralPorts? {
        guard let range = read("ip_local_port_range") else { return nil }
        return EphemeralPorts(range: range, reserved: read("ip_local_reserved_ports") ?? "")
    }

    private static func read(_ name: String) -> String? {
        guard let file = try? OpenFile("/proc/sys/net/ipv4/\(name)"), let bytes = try? file.bytes(limit: 65_536) else {
            return nil
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
