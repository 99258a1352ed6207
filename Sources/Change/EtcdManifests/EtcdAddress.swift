/// Where sets of manifests are in etcd: `etcd://host:port[,host:port]/prefix`, or `etcds` with TLS.
package struct EtcdAddress: Sendable, Hashable, CustomStringConvertible {
    /// `http://127.0.0.1:2379`: at least one.
    package let endpoints: [String]
    /// Begins with `/`, and does not end with it.
    package let prefix: String
    package let isTLS: Bool
    package let description: String

    package struct Mistake: Error, CustomStringConvertible {
        package let description: String
    }

    /// Whether an argument is meant for one, right or wrong, and for no folder.
    package static func isMeant(by text: String) -> Bool { text.contains("://") }

    package init(_ text: String) throws(Mistake) {
        guard let scheme = ["etcd://", "etcds://"].first(where: text.hasPrefix) else {
            throw Mistake(description: "write it as etcd://HOST:PORT/PREFIX, or etcds://… with TLS")
        }
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        let prefix = rest.dropFirst(authority.count)
        let names = prefix.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        let isPlain = prefix.utf8.allSatisfy { (0x21...0x7E).contains($0) && !#"?#%\"#.utf8.contains($0) }
        guard !names.isEmpty, names.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }), isPlain else {
            throw Mistake(
                description:
                    "name a prefix of keys behind the host: \(scheme)\(authority.isEmpty ? "HOST:PORT" : authority)/mesh, "
                    + "without empty names, and of what needs no escape in a URL")
        }
        guard prefix.utf8.count <= Self.prefixByteLimit else {
            throw Mistake(description: "a prefix has at most \(Self.prefixByteLimit) bytes")
        }
        guard !authority.contains("@") else {
            throw Mistake(description: "name the user with --etcd-user: what is before the \"@\" would be seen by all")
        }
        isTLS = scheme == "etcds://"
        var endpoints: [String] = []
        for host in authority.split(separator: ",", omittingEmptySubsequences: false) {
            guard let whole = Self.withPort(host) else {
                throw Mistake(description: "\"\(host)\" is no host with a port: write HOST:PORT, or [V6]:PORT")
            }
            endpoints.append((isTLS ? "https://" : "http://") + whole)
        }
        self.endpoints = endpoints
        self.prefix = String(prefix)
        description = text
    }

    private static let prefixByteLimit = 200

    /// - Returns: With etcd's own port where none is named; `nil`: it is no host.
    private static func withPort(_ text: Substring) -> String? {
        let host: Substring
        var rest: Substring
        if text.hasPrefix("["), text.contains("]") {
            host = text.prefix { $0 != "]" } + "]"
            rest = text.dropFirst(host.count)
            guard
                host.dropFirst().dropLast().utf8.allSatisfy({
                    Self.isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
                }),
                host.count > 3
            else { return nil }
        } else {
            host = text.prefix { $0 != ":" }
            rest = text.dropFirst(host.count)
            let isName = host.utf8.allSatisfy { byte in
                Self.isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            }
            guard !host.isEmpty, isName else { return nil }
        }
        guard !rest.isEmpty else { return "\(host):2379" }
        guard rest.removeFirst() == ":", rest.utf8.allSatisfy(Self.isDigit), let port = UInt16(rest), port > 0 else {
            return nil
        }
        return "\(host):\(port)"
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }
}

extension EtcdAddress {
    var currentKey: [UInt8] { Array("\(prefix)/current".utf8) }

    /// What the keys of all sets begin with.
    var setsPrefix: [UInt8] { Array("\(prefix)/sets/".utf8) }

    func setPrefix(_ hash: String) -> [UInt8] { Array("\(prefix)/sets/\(hash)/".utf8) }
}
