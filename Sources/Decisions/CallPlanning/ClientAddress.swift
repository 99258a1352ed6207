package import CommonValues
package import HTTPSemantics

/// Where the client of a call is, as far as anybody who is trusted knows.
package enum ClientAddress: Equatable, Sendable {
    /// Whoever the connection came from.
    case peer
    /// A trusted proxy says so.
    case reported(IPAddress)
    /// A trusted proxy names one, in no form that is an address (`unknown`, `_hidden`, anything else). It is nobody's, and the
    /// proxy's own least of all.
    case unreadable

    package var isPeer: Bool { if case .peer = self { true } else { false } }
    package var isUnreadable: Bool { if case .unreadable = self { true } else { false } }

    /// The last address of `x-forwarded-for`, over all of its lines, that is not a trusted proxy's own.
    /// - Parameter isTrusted: Of an address.
    package init(forwardedTo head: borrowing MessageHead, isTrusted: (IPAddress) -> Bool) {
        self = .peer
        for index in (0..<head.fieldCount).reversed() where head.fields[index].known == .forwardedFor {
            let value = head.bytes(head.fields[index].value)
            var end = value.count
            while end > 0 {
                var start = end
                while start > 0, value[start - 1] != UInt8(ascii: ",") { start -= 1 }
                let item = Self.trimmed(start..<end, of: value)
                end = max(start - 1, 0)
                // An empty item of a list is none (RFC 9110 § 5.6.1).
                guard !item.isEmpty else { continue }
                guard let address = Self.address(value.extracting(item)) else {
                    self = .unreadable
                    return
                }
                self = .reported(address)
                guard isTrusted(address) else { return }
            }
        }
    }

    private static func trimmed(_ range: Range<Int>, of bytes: Span<UInt8>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isWhiteSpace(bytes[start]) { start += 1 }
        while start < end, isWhiteSpace(bytes[end - 1]) { end -= 1 }
        return start..<end
    }

    private static func isWhiteSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    /// An address as proxies write it: `1.2.3.4`, `1.2.3.4:5`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5`, each of them
    /// also between double quotes, as `Forwarded` would have it (RFC 7239 § 6).
    package static func address(_ item: Span<UInt8>) -> IPAddress? {
        var range = 0..<item.count
        if item.count >= 2, item[0] == UInt8(ascii: "\""), item[item.count - 1] == UInt8(ascii: "\"") {
            range = 1..<(item.count - 1)
        }
        guard !range.isEmpty else { return nil }
        if item[range.lowerBound] == UInt8(ascii: "[") {
            guard let close = range.first(where: { item[$0] == UInt8(ascii: "]") }),
                isPort(item, (close + 1)..<range.upperBound)
            else { return nil }
            let address = parse(item, (range.lowerBound + 1)..<close)
            // What stands in brackets is IPv6 and nothing else.
            return range.contains { item[$0] == UInt8(ascii: ":") && $0 < close } ? address : nil
        }
        var colons = 0
        var colon = range.upperBound
        for index in range where item[index] == UInt8(ascii: ":") {
            colons += 1
            colon = index
        }
        guard colons == 1 else { return parse(item, range) }
        return isPort(item, colon..<range.upperBound) ? parse(item, range.lowerBound..<colon) : nil
    }

    /// Nothing, or a colon and a port.
    private static func isPort(_ item: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty else { return true }
        guard item[range.lowerBound] == UInt8(ascii: ":"), range.count >= 2, range.count <= 6 else { return false }
        return range.dropFirst().allSatisfy { ASCII.isDigit(item[$0]) }
    }

    private static func parse(_ item: Span<UInt8>, _ range: Range<Int>) -> IPAddress? {
        // No address is longer, with an IPv4 one at its end.
        guard range.count <= 45 else { return nil }
        var text = ""
        for index in range {
            guard item[index] < 0x80 else { return nil }
            text.unicodeScalars.append(Unicode.Scalar(item[index]))
        }
        return IPAddress(text)
    }
}
