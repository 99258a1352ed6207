import HTTPSemantics

/// What must hold of canonical hosts and paths, whatever came in. Traps where it does not.
package enum CanonicalRequestChecks {
    /// - Parameter bytes: A path; after its last LF, if there is one, a host.
    /// - Returns: A number for how they were treated.
    package static func check(_ bytes: [UInt8]) -> UInt64 {
        let cut = bytes.lastIndex(of: UInt8(ascii: "\n"))
        let path = cut.map { Array(bytes[..<$0]) } ?? bytes
        let host = cut.map { Array(bytes[($0 + 1)...]) } ?? []
        return checkPath(path) * 64 + checkHost(host)
    }

    private static func checkPath(_ bytes: [UInt8]) -> UInt64 {
        var head = MessageHead()
        do {
            try head.setPath(canonicalizing: bytes.span)
        } catch {
            precondition(ReferencePath.canonical(bytes) == nil, "a path the reference takes is refused")
            return 1 + UInt64(error.rawValue)
        }
        let path = head.array(head.path)
        let query = head.array(head.query)
        let form = path + (head.hasQuery ? [UInt8(ascii: "?")] + query : [])
        precondition(ReferencePath.canonical(bytes) == form, "not the reference's form")
        precondition(path.first == UInt8(ascii: "/"))
        precondition(form.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") })
        let segments = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        precondition(segments.dropLast().allSatisfy { !$0.isEmpty }, "an empty segment")
        precondition(!segments.contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }, "a dot segment")

        var again = MessageHead()
        do {
            try again.setPath(canonicalizing: form.span)
        } catch {
            preconditionFailure("the canonical form is refused: \(error)")
        }
        precondition(
            again.array(again.path) == path && again.array(again.query) == query, "canonical twice is not once")
        precondition(again.hasQuery == head.hasQuery && again.hasEscapedSlash == head.hasEscapedSlash)
        return 32 + (head.hasQuery ? 2 : 0) + (head.hasEscapedSlash ? 1 : 0) + (path == bytes ? 4 : 0)
    }

    private static func checkHost(_ bytes: [UInt8]) -> UInt64 {
        var head = MessageHead()
        do {
            try head.setHost(canonicalizing: bytes.span)
        } catch {
            return 1 + UInt64(error.rawValue)
        }
        let host = head.array(head.host)
        let port = head.hostPort
        precondition(!host.isEmpty && host.last != UInt8(ascii: "."))
        precondition(!host.contains { $0 &- 0x41 < 26 || $0 <= 0x20 || $0 >= 0x7F || $0 == UInt8(ascii: "%") })
        let form = host + (port == 0 ? [] : Array(":\(port)".utf8))
        var again = MessageHead()
        do {
            try again.setHost(canonicalizing: form.span)
        } catch {
            preconditionFailure("the canonical form is refused: \(error)")
        }
        precondition(again.array(again.host) == host && again.hostPort == port, "canonical twice is not once")
        return 32 + (port == 0 ? 0 : 1) + (host.first == UInt8(ascii: "[") ? 2 : 0)
    }
}

/// The canonical path once more, slowly: as a list of segments.
enum ReferencePath {
    /// - Returns: Path and query; `nil` where they are to be refused.
    static func canonical(_ bytes: [UInt8]) -> [UInt8]? {
        let mark = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
        guard let decoded = decoded(Array(bytes[..<mark])), decoded.first == "/" else { return nil }
        var segments: [String] = []
        let parts = decoded.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        var endsWithSlash = true
        for part in parts {
            endsWithSlash = part.isEmpty || part == "." || part == ".."
            if part == ".." { _ = segments.popLast() } else if !endsWithSlash { segments.append(String(part)) }
        }
        let path = "/" + segments.joined(separator: "/") + (endsWithSlash && !segments.isEmpty ? "/" : "")
        let query = Array(bytes[mark...])
        guard query.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else { return nil }
        return Array(path.utf8) + query
    }

    private static func decoded(_ bytes: [UInt8]) -> String? {
        let unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
        let legal = unreserved + "!$&'()*+,;=:@/"
        var text = ""
        var index = 0
        while index < bytes.count {
            guard (0x21...0x7E).contains(bytes[index]) else { return nil }
            let character = Character(UnicodeScalar(bytes[index]))
            index += 1
            switch character {
            case "#": return nil
            case "\\": text += "/"
            case "%":
                guard index + 2 <= bytes.count, bytes[index..<(index + 2)].allSatisfy({ $0 < 0x80 }) else { return nil }
                let digits = String(decoding: bytes[index..<(index + 2)], as: UTF8.self)
                guard digits.allSatisfy(\.isHexDigit), let value = UInt8(digits, radix: 16), value != 0 else {
                    return nil
                }
                index += 2
                let isPlain = unreserved.utf8.contains(value)
                text += isPlain ? String(UnicodeScalar(value)) : "%" + digits.uppercased()
            case let other where legal.contains(other): text.append(other)
            default: text += "%" + String(bytes[index - 1], radix: 16, uppercase: true)
            }
        }
        return text
    }
}

extension MessageHead {
    func array(_ range: ByteRange) -> [UInt8] { Array(storage.array[range.bounds]) }
}
