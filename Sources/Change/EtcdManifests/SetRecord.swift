package import CommonValues
package import Cryptography

/// What `current` says: which set serves, and when it came to be so.
package struct SetRecord: Sendable, Hashable {
    /// `SetHash`, 64 digits.
    package let hash: String
    /// Milliseconds since 1970 when it was pushed, and always more than the one before: a later set has a higher number.
    package let number: UInt64
    /// Of `message`, by Ed25519.
    package let signature: [UInt8]?

    package init(hash: String, number: UInt64, signature: [UInt8]? = nil) {
        self.hash = hash
        self.number = number
        self.signature = signature
    }

    /// - Returns: `nil` for all but what `bytes` of a record are.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.byteLimit, let text = String(validating: bytes, as: UTF8.self) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 4 || lines.count == 5, lines[1].hasPrefix("set "), lines[2].hasPrefix("number "),
            let number = UInt64(lines[2].dropFirst(7)), number <= Self.lastNumber
        else { return nil }
        var signature: [UInt8]?
        if lines.count == 5 {
            guard lines[3].hasPrefix("signature ") else { return nil }
            signature = Base64.bytes(of: lines[3].dropFirst(10).utf8)
            guard signature?.count == Ed25519.signatureByteCount else { return nil }
        }
        let hash = lines[1].dropFirst(4)
        guard hash.utf8.count == 64, hash.utf8.allSatisfy({ "0123456789abcdef".utf8.contains($0) }) else { return nil }
        self.init(hash: String(hash), number: number, signature: signature)
        // One text for one record: nothing that only looks like it.
        guard self.bytes == bytes else { return nil }
    }

    package var bytes: [UInt8] {
        var text = "\(Self.heading)\nset \(hash)\nnumber \(number)\n"
        if let signature { text += "signature \(String(decoding: Base64.text(of: signature), as: UTF8.self))\n" }
        return Array(text.utf8)
    }

    /// What is signed: no other place's set, and no other number, has this signature.
    package func message(at prefix: String) -> [UInt8] {
        Array("\(Self.heading)\nprefix \(prefix)\nset \(hash)\nnumber \(number)\n".utf8)
    }

    package func isSigned(by keys: VerifyingKeys, at prefix: String) -> Bool {
        signature.map { keys.verify($0, of: message(at: prefix)) } ?? false
    }

    package var pushedAt: UnixTime { UnixTime(microseconds: Int64(number) * 1_000) }

    private static let heading = "heddle-manifests-1"
    /// The end of the year 9999.
    private static let lastNumber: UInt64 = 253_402_300_799_999
    private static let byteLimit = 1_000
}
