/// A table as nft(8) shows it.
package struct GuardListing: Sendable, Equatable {
    /// All but what is counted: the same while nobody has changed the table.
    let text: String
    /// Packets that were refused since the table was made.
    package let refused: GuardCounts

    init(_ output: String) {
        var lines: [Substring] = []
        var counted: [String: UInt64] = [:]
        var counter: Substring?
        for line in output.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            if words.count == 3, words[0] == "counter" { counter = words[1] }
            guard let name = counter, words.count == 4, words[0] == "packets", words[2] == "bytes" else {
                lines.append(line)
                continue
            }
            counted["\(name)"] = UInt64(words[1])
            counter = nil
        }
        text = lines.joined(separator: "\n")
        refused = GuardCounts(local: counted["local"] ?? 0, remote: counted["remote"] ?? 0)
    }
}

/// Packets that a guard has refused.
package struct GuardCounts: Sendable, Equatable {
    /// Of processes of this host.
    package var local: UInt64 = 0
    /// Of other hosts, and of this one's containers.
    package var remote: UInt64 = 0
}
