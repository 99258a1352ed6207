package import Reconciliation

/// How several files travel in one `apply`: each as a line `name byteCount`, the name percent-encoded, then its bytes, then
/// a line feed.
package enum DocumentFraming {
    package static let contentType = "application/vnd.heddle.documents"

    package static func encode(_ documents: [AppliedFile]) -> [UInt8] {
        var bytes: [UInt8] = []
        for document in documents {
            bytes += "\(AdminRequest.percentEncoded(document.path)) \(document.bytes.count)\n".utf8
            bytes += document.bytes
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }

    /// Why bytes are not the documents of one `apply`.
    enum Mistake: Error, Hashable, CustomStringConvertible {
        case malformed, badName
        case tooMany(limit: Int)

        var description: String {
            switch self {
            case .malformed: "the body is not a list of documents"
            case .badName:
                "a file's name is over 1024 bytes long, or holds control characters: hand it in under another"
            case .tooMany(let limit):
                "over \(limit) files: hand in fewer at a time, or put several resources into one file"
            }
        }
    }

    static func decode(_ bytes: [UInt8], limit: Int) throws(Mistake) -> [AppliedFile] {
        var documents: [AppliedFile] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let lineEnd = rest.firstIndex(of: UInt8(ascii: "\n")) else { throw .malformed }
            let line = String(decoding: rest[..<lineEnd], as: UTF8.self)
                .split(separator: " ", omittingEmptySubsequences: false)
            rest = rest[(lineEnd + 1)...]
            guard line.count == 2, let name = AdminRequest.percentDecoded(line[0].utf8),
                line[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let count = Int(line[1]), count < rest.count, rest[rest.startIndex + count] == UInt8(ascii: "\n")
            else { throw .malformed }
            guard documents.count < limit else { throw .tooMany(limit: limit) }
            guard isName(name) else { throw .badName }
            documents.append(AppliedFile(path: name, bytes: Array(rest.prefix(count))))
            rest = rest.dropFirst(count + 1)
        }
        return documents
    }

    /// 1 to 1,024 bytes without control characters.
    static func isName(_ name: String) -> Bool {
        (1...1024).contains(name.utf8.count) && !name.utf8.contains { $0 < 0x20 || $0 == 0x7F }
    }
}
