import HTTPSemantics

/// One question to the admin API, whole.
struct AdminRequest: Sendable {
    /// What it came in on decides what may be asked.
    enum Origin: Sendable {
        /// The Unix socket: its owner asks.
        case socket
        /// The loopback port: anyone on this host asks, so there is only what anyone may see.
        case telemetry
        /// The workload socket: any process of this host asks, and the kernel says which.
        case workload
    }

    let origin: Origin
    /// Who asks at the workload socket; `nil`: the kernel names nobody any more.
    let caller: WorkloadCaller?
    let method: String
    let host: String
    /// Its segments, percent-decoded.
    let path: [String]
    let query: [(name: String, value: String)]
    let contentType: String
    let body: [UInt8]

    /// The first value of a parameter.
    func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }

    func parameters(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }

    /// Whether a parameter is `true`, or there without a value.
    func flag(_ name: String) -> Bool { parameter(name).map { $0.isEmpty || $0 == "true" } ?? false }

    var wantsText: Bool { Self.wantsText(query) }

    static func wantsText(_ query: [(name: String, value: String)]) -> Bool {
        query.first { $0.name == "format" }?.value == "text"
    }
}

extension AdminRequest {
    /// Splits a path in canonical form, and decodes what that left escaped: a slash within a segment parts nothing.
    /// - Returns: `nil` if what an escape stands for is not good UTF-8.
    static func parsePath(_ text: String) -> [String]? {
        var segments: [String] = []
        for item in text.utf8.split(separator: UInt8(ascii: "/")) {
            guard let segment = percentDecoded(item) else { return nil }
            segments.append(segment)
        }
        return segments
    }

    /// Reads `name=value&…`, percent-decoded. `+` stands for itself.
    /// - Returns: `nil` if an escape or what it stands for is not good UTF-8.
    static func parseQuery(_ text: String) -> [(name: String, value: String)]? {
        var parameters: [(name: String, value: String)] = []
        for item in text.utf8.split(separator: UInt8(ascii: "&")) {
            let equals = item.firstIndex(of: UInt8(ascii: "="))
            guard let name = percentDecoded(item[..<(equals ?? item.endIndex)]),
                let value = percentDecoded(equals.map { item[item.index(after: $0)...] } ?? item[item.endIndex...])
            else { return nil }
            parameters.append((name, value))
        }
        return parameters
    }

    /// RFC 3986 § 2.1.
    static func percentDecoded(_ text: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(ASCII.hexValue), let low = rest.popFirst().flatMap(ASCII.hexValue)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The reverse: all but unreserved characters is escaped.
    static func percentEncoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if ByteClass.unreserved.contains(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), ASCII.hexDigit(byte >> 4), ASCII.hexDigit(byte & 15)]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
