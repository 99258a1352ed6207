/// A table as nft(8) shows it.
package struct GuardListing: Sendable, Equatable {
    /// All but what is counted: the same while nobody has changed the table.
    let text: String
    /// Packets that were refused since the table was made.
    package let refused: GuardCounts
    let shape: Shape
    let comment: String?
    package let ports: Set<UInt16>
    /// Who may connect, by number.
    package let users: Set<UInt32>

    private static let blocks: Set<Substring> = ["set", "chain", "counter"]

    /// What tells whether a table is what was meant: how many of what are where, however nft writes them.
    struct Shape: Sendable, Equatable {
        /// Of each chain that the kernel calls, where and when.
        var hooks: [String: String] = [:]
        var ruleCounts: [String: Int] = [:]
        var elementCounts: [String: Int] = [:]
    }

    init(_ output: String) {
        var lines: [Substring] = []
        var counted: [String: UInt64] = [:]
        var shape = Shape()
        var elements: [String: [Substring]] = [:]
        var comment: String?
        var block: (kind: Substring, name: String)?
        for line in output.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            switch (words.first, block?.kind) {
            case (let kind?, nil) where Self.blocks.contains(kind) && words.count == 3 && words[2] == "{":
                block = (kind, String(words[1]))
                if kind == "chain" { shape.ruleCounts[String(words[1])] = 0 }
                if kind == "set" { elements[String(words[1])] = [] }
            case ("comment"?, nil): comment = line.split(separator: "\"").dropFirst().first.map(String.init)
            case ("}"?, _): block = nil
            case ("packets"?, "counter") where words.count == 4:
                counted[block?.name ?? ""] = UInt64(words[1])
                continue
            case ("type"?, "chain"):
                shape.hooks[block?.name ?? ""] = words.joined(separator: " ")
            case (_?, "chain"): shape.ruleCounts[block?.name ?? "", default: 0] += 1
            case ("type"?, "set"): break
            case (_?, "set"):
                let text = line.replacing("elements = {", with: "").replacing("}", with: "")
                let members = text.split(separator: ",").map { $0.drop(while: \.isWhitespace) }.filter { !$0.isEmpty }
                elements[block?.name ?? "", default: []] += members
            default: break
            }
            lines.append(line)
        }
        text = lines.joined(separator: "\n")
        refused = GuardCounts(local: counted["local"] ?? 0, remote: counted["remote"] ?? 0)
        shape.elementCounts = elements.mapValues(\.count)
        self.shape = shape
        self.comment = comment
        let numbers = { (set: String) in (elements[set] ?? []).compactMap { UInt32($0.prefix { $0.isNumber }) } }
        ports = Set(numbers("ports").compactMap { UInt16(exactly: $0) })
        users = Set(numbers("users"))
    }

    /// The node whose guard it says that it is.
    package var node: String? {
        let beginning = GuardTable.comment(ofNode: "")
        guard let comment, comment.hasPrefix(beginning) else { return nil }
        return String(comment.dropFirst(beginning.count))
    }
}

/// Packets that a guard has refused.
package struct GuardCounts: Sendable, Equatable {
    /// Of processes of this host.
    package var local: UInt64 = 0
    /// Of other hosts, and of this one's containers.
    package var remote: UInt64 = 0
}
