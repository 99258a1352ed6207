import Glibc
import TestSupport

/// What people read, as it lies in this repository.
enum Documentation {
    private static let root = #filePath.split(separator: "/").dropLast(4).map { "/\($0)" }.joined()

    static func text(of file: String) throws -> String {
        let text = Files.text("\(root)/\(file)")
        guard !text.isEmpty else { throw SetUpError("there is no \(file)") }
        return text
    }

    /// Blocks of code of one language, without the indentation of the list they stand in.
    static func blocks(_ language: String, in text: String) -> [String] {
        var blocks: [String] = []
        var block: [Substring]?
        var indentation = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let content = line.drop { $0 == " " }
            if let lines = block {
                if content == "```" {
                    blocks.append(lines.joined(separator: "\n") + "\n")
                    block = nil
                } else {
                    block = lines + [line.dropFirst(indentation)]
                }
            } else if content == "```\(language)" {
                block = []
                indentation = line.utf8.count - content.utf8.count
            }
        }
        return blocks
    }
}
