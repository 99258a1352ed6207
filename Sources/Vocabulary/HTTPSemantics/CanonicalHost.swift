/// The one form of a host that rules and routes see: lower case, without port and without one trailing dot.
package enum CanonicalHost {
    /// Bytes of a host; DNS knows no longer name.
    package static let byteLimit = 255

    /// Brings `host [":" port]` (RFC 3986 § 3.2) to canonical form, in place.
    /// - Returns: Where the host stands now, inside `range`; the port, 0 where there is none.
    static func canonicalize(
        _ range: ByteRange, in storage: inout ByteBuffer
    ) throws(MalformedRequest) -> (host: ByteRange, port: UInt16) {
        let bounds = range.bounds
        var end = bounds.lowerBound
        if !bounds.isEmpty, storage[end] == UInt8(ascii: "[") {
            end = try endOfAddress(storage.span, bounds)
        } else {
            while end < bounds.upperBound, ByteClass.hostName.contains(storage[end]) { end += 1 }
        }
        let port = try port(storage.span, end..<bounds.upperBound)

        var nameEnd = end
        if nameEnd > bounds.lowerBound, storage[nameEnd - 1] == UInt8(ascii: ".") { nameEnd -= 1 }
        let name = bounds.lowerBound..<nameEnd
        try checkLabels(storage.span, name)
        storage.lowercase(name)
        return (ByteRange(offset: name.lowerBound, count: name.count), port)
    }

    /// No label may be empty: a name that ends in two dots would lose one each time it is looked at.
    private static func checkLabels(_ bytes: Span<UInt8>, _ name: Range<Int>) throws(MalformedRequest) {
        guard !name.isEmpty, name.count <= byteLimit else { throw .invalidHost }
        var previous = UInt8(ascii: ".")
        for index in name {
            let byte = bytes[index]
            guard byte != UInt8(ascii: ".") || previous != UInt8(ascii: ".") else { throw .invalidHost }
            previous = byte
        }
        guard previous != UInt8(ascii: ".") else { throw .invalidHost }
    }

    private static func port(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(MalformedRequest) -> UInt16 {
        guard !range.isEmpty else { return 0 }
        guard bytes[range.lowerBound] == UInt8(ascii: ":") else { throw .invalidHost }
        let digits = range.dropFirst()
        guard !digits.isEmpty else { return 0 }
        guard digits.count <= 5 else { throw .invalidPort }
        var value: UInt32 = 0
        for index in digits {
            guard ASCII.isDigit(bytes[index]) else { throw .invalidPort }
            value = value * 10 + UInt32(bytes[index] - 0x30)
        }
        guard let port = UInt16(exactly: value), port != 0 else { throw .invalidPort }
        return port
    }

    /// `IP-literal` with an IPv6 address; no zone, no later version.
    /// - Returns: The offset after `]`.
    private static func endOfAddress(_ bytes: Span<UInt8>, _ bounds: Range<Int>) throws(MalformedRequest) -> Int {
        var close = bounds.lowerBound + 1
        while close < bounds.upperBound, bytes[close] != UInt8(ascii: "]") { close += 1 }
        guard close < bounds.upperBound, isIPv6(bytes.extracting((bounds.lowerBound + 1)..<close)) else {
            throw .invalidHost
        }
        return close + 1
    }

    /// `IPv6address` (RFC 3986 § 3.2.2).
    private static func isIPv6(_ bytes: Span<UInt8>) -> Bool {
        var groups = 0
        var digits = 0
        var hasGap = false
        var groupStart = 0
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if ASCII.hexValue(byte) != nil {
                digits += 1
                guard digits <= 4 else { return false }
                index += 1
            } else if byte == UInt8(ascii: ".") {
                return isIPv4(bytes.extracting(groupStart...)) && (hasGap ? groups + 2 < 8 : groups + 2 == 8)
            } else {
                guard byte == UInt8(ascii: ":") else { return false }
                if digits > 0 {
                    groups += 1
                } else if index != 0 || bytes.count < 2 || bytes[1] != UInt8(ascii: ":") {
                    return false
                }
                digits = 0
                index += 1
                if index < bytes.count, bytes[index] == UInt8(ascii: ":") {
                    guard !hasGap else { return false }
                    hasGap = true
                    index += 1
                } else if index == bytes.count {
                    return false
                }
                groupStart = index
            }
        }
        if digits > 0 { groups += 1 }
        return hasGap ? groups < 8 : groups == 8
    }

    private static func isIPv4(_ bytes: Span<UInt8>) -> Bool {
        var octets = 0
        var value = 0
        var digits = 0
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == UInt8(ascii: ".") {
                guard digits > 0 else { return false }
                octets += 1
                digits = 0
                value = 0
            } else {
                guard ASCII.isDigit(byte), digits == 0 || value > 0 else { return false }
                value = value * 10 + Int(byte - 0x30)
                digits += 1
                guard value <= 255 else { return false }
            }
        }
        return octets == 3 && digits > 0
    }
}
