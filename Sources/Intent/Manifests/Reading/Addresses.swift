import CommonValues
import Diagnostics
import YAMLSyntax

extension Scalar {
    /// `host:port`, `[v6]:port` or `unix:/path`.
    static func socketAddress(_ node: YAMLNode, _ problems: inout Problems) -> SocketAddress? {
        let expected = "an address: \"host:port\", \"[v6]:port\" or \"unix:/path\""
        if case .scalar(let scalar) = node.content, scalar.kind == .number, let port = UInt16(scalar.text) {
            problems.report(
                .wrongType, node, expected: expected, remedy: "name the host before the port: \"127.0.0.1:\(port)\"")
            return nil
        }
        guard let text = text(node, &problems) else { return nil }
        if let address = SocketAddress(text) { return address }
        problems.report(.invalidValue, node, expected: expected, remedy: remedy(forAddress: text))
        return nil
    }

    /// An address of TCP.
    static func hostAndPort(_ node: YAMLNode, _ problems: inout Problems) -> SocketAddress? {
        guard let address = socketAddress(node, &problems) else { return nil }
        guard case .tcp = address else {
            problems.report(
                .invalidValue, node, expected: "\"host:port\": other hosts cannot reach a Unix socket",
                remedy: "write the host and port that other hosts reach it at")
            return nil
        }
        return address
    }

    /// An address to listen on that others can reach: an IP address of a host, or all of them, and a port.
    static func listenAddress(_ node: YAMLNode, _ problems: inout Problems) -> SocketAddress? {
        guard let address = socketAddress(node, &problems) else { return nil }
        guard case .tcp(.ip, _) = address else {
            problems.report(
                .invalidValue, node, expected: "an IP address and a port to listen at",
                remedy: "write it as \"192.0.2.10:8080\" or \"[2001:db8::10]:8080\", with an address of its host")
            return nil
        }
        return address
    }

    /// An address to listen on that only this host can reach: 127.0.0.0/8, `[::1]` or a Unix socket.
    static func loopbackAddress(_ node: YAMLNode, _ problems: inout Problems) -> SocketAddress? {
        guard let address = socketAddress(node, &problems) else { return nil }
        guard case .tcp(let host, let port) = address else { return address }
        guard let ip = host.ip, ip.isLoopback else {
            problems.report(
                .notLoopback, node, expected: "a loopback address: 127.0.0.0/8 or [::1]",
                remedy: "change it to \"127.0.0.1:\(port)\"")
            return nil
        }
        return address
    }

    /// As `loopbackAddress`, of TCP only.
    static func loopbackHostAndPort(_ node: YAMLNode, _ problems: inout Problems) -> SocketAddress? {
        guard let address = loopbackAddress(node, &problems) else { return nil }
        guard case .tcp = address else {
            problems.report(
                .invalidValue, node, expected: "\"127.0.0.1:port\" or \"[::1]:port\"", remedy: "choose a loopback port")
            return nil
        }
        return address
    }

    /// The path of a Unix socket: absolute, at most 107 bytes.
    static func socketPath(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = text(node, &problems) else { return nil }
        guard case .unix(let path)? = SocketAddress("unix:\(text)") else {
            problems.report(
                .invalidValue, node, expected: "the absolute path of a Unix socket, at most 107 bytes",
                remedy: text.hasPrefix("unix:") ? "leave out \"unix:\"" : "write a path like /run/heddle/workload.sock")
            return nil
        }
        return path
    }

    /// An IP address.
    static func ipAddress(_ node: YAMLNode, _ problems: inout Problems) -> IPAddress? {
        guard let text = text(node, &problems) else { return nil }
        if let address = IPAddress(text) { return address }
        problems.report(
            .invalidValue, node, expected: "an IP address", remedy: "write it as \"192.0.2.1\" or \"2001:db8::1\"")
        return nil
    }

    /// `192.0.2.0/24`, `2001:db8::/32`, or a single address.
    static func addressBlock(_ node: YAMLNode, _ problems: inout Problems) -> AddressBlock? {
        guard let text = text(node, &problems) else { return nil }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else {
            problems.report(
                .invalidValue, node, expected: "an IP address or a CIDR block",
                remedy: "write it as \"192.0.2.0/24\", \"2001:db8::/32\" or one address")
            return nil
        }
        let longest = parts[0].contains(":") ? 128 : 32
        var length = longest
        if parts.count == 2 {
            let isDecimal = parts[1].utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard isDecimal, let number = Int(parts[1]), number <= longest, number == 0 || !parts[1].hasPrefix("0")
            else {
                problems.report(
                    .outOfRange, node, expected: "a prefix length from 0 to \(longest)",
                    remedy: "write a length from 0 to \(longest) after the \"/\"")
                return nil
            }
            length = number
        }
        let mapped = length + 128 - longest
        let masked = AddressBlock(high: address.high, low: address.low, prefixLength: UInt8(mapped)).masked
        guard masked.high == address.high, masked.low == address.low else {
            problems.report(
                .invalidValue, node, expected: "a block whose bits after the first \(length) are zero",
                remedy: "write the block's first address, or \"/\(longest)\" for this one alone")
            return nil
        }
        return masked
    }

    private static func remedy(forAddress text: String) -> String {
        if text.hasPrefix("unix:") { return "write an absolute path of at most 107 bytes after \"unix:\"" }
        if text.hasPrefix("/") { return "change it to \"unix:\(text)\"" }
        if text.contains("://") { return "remove what is before the host, and any path" }
        if text.contains(":"), IPAddress(text) != nil { return bracketRemedy(text) }
        if UInt16(text) != nil { return "name the host before the port: \"127.0.0.1:\(text)\"" }
        guard let colon = text.lastIndex(of: ":") else { return "add the port: \"\(text):8080\"" }
        if text[..<colon].isEmpty { return "name the host: \"127.0.0.1\(text)\"" }
        return "write a DNS name or an IP address, \":\" and a port from 1 to 65535"
    }

    /// `::1:8080` is an address without port, and was hardly meant as one.
    private static func bracketRemedy(_ address: String) -> String {
        let digits = address.split(separator: ":", omittingEmptySubsequences: false).last ?? ""
        let host = String(address.dropLast(digits.count + 1))
        guard let port = UInt16(digits), port > 0, IPAddress(host) != nil else {
            return "add the port: \"[\(address)]:8080\""
        }
        return "put the address in brackets: \"[\(host)]:\(port)\" if \(port) is the port, or \"[\(address)]:8080\""
    }
}

extension SocketAddress {
    /// - Returns: `nil` if `text` is none of the three forms, or a part of it is out of range.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard path.hasPrefix("/"), (2...107).contains(path.utf8.count), !path.utf8.contains(0) else { return nil }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        let isDecimal = digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isDecimal, !digits.hasPrefix("0"), let port = UInt16(digits) else { return nil }
        let host = text[..<colon]
        if host.hasPrefix("[") && host.hasSuffix("]") {
            guard host.contains(":"), let address = IPAddress(String(host.dropFirst().dropLast())) else { return nil }
            self = .tcp(host: .ip(address), port: port)
        } else if let address = IPAddress(String(host)) {
            guard !host.contains(":") else { return nil }
            self = .tcp(host: .ip(address), port: port)
        } else {
            let name = host.lowercased()
            // A name whose last label is a number would be read as an address by some resolvers.
            let lastLabel = name.split(separator: ".").last ?? ""
            guard name.isDNSName, !lastLabel.allSatisfy(\.isNumber) else { return nil }
            self = .tcp(host: .name(name), port: port)
        }
    }
}

extension AddressBlock {
    /// With every bit after the prefix zero.
    var masked: AddressBlock {
        let length = UInt64(prefixLength)
        let highMask = length == 0 ? 0 : length >= 64 ? UInt64.max : ~(UInt64.max >> length)
        let lowMask = length <= 64 ? 0 : length == 128 ? UInt64.max : ~(UInt64.max >> (length - 64))
        return AddressBlock(high: high & highMask, low: low & lowMask, prefixLength: prefixLength)
    }
}
