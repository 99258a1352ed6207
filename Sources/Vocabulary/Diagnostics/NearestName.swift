/// "Did you mean": the known name that a mistyped one most likely stands for.
package struct NearestName: Sendable {
    package let name: String
    /// Why the two look the same, where letters of another alphabet are all that is wrong or part of it.
    package let note: String?

    /// `change it to "payments"`, with the note.
    package var remedy: String { "change it to \(Diagnostic.quoted(name))" + (note.map { ": \($0)" } ?? "") }

    /// `did you mean "payments"?`, with the note.
    package var question: String {
        "did you mean \(Diagnostic.quoted(name))?"
            + (note.map { " \($0.prefix(1).uppercased())\($0.dropFirst())" } ?? "")
    }

    /// Names longer than this many bytes are not compared; bounds the work of one comparison.
    private static let maximumByteCount = 64
    /// Candidates looked at; bounds the work of one mistake.
    private static let maximumCandidateCount = 10_000

    /// - Returns: The candidate with the fewest edits from `name`, as it looks, if these are no more than a third of its
    ///   length (one at least); the first of several. `nil` if none is that close.
    package init?(to name: String, among candidates: some Sequence<String>) {
        let likeness = LookAlikes(in: name)
        guard let nearest = Self.of(likeness?.ascii ?? name, among: candidates) else { return nil }
        self.name = nearest
        note = likeness?.note
    }

    static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased().utf8)
        guard !wanted.isEmpty, wanted.count <= maximumByteCount else { return nil }
        var best: (name: String, distance: Int)?
        for candidate in candidates.prefix(maximumCandidateCount) {
            let bytes = Array(candidate.lowercased().utf8)
            guard bytes.count <= maximumByteCount else { continue }
            let allowed = min(max(1, wanted.count / 3), (best?.distance ?? .max) - 1)
            guard allowed >= 0, abs(bytes.count - wanted.count) <= allowed else { continue }
            let distance = editDistance(wanted, bytes)
            if distance <= allowed { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Insertions, deletions, replacements and swaps of neighbours that make one out of the other (optimal string
    /// alignment).
    static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        var current = last
        for row in 0..<left.count {
            current[0] = row + 1
            for column in 0..<right.count {
                let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
                var fewest = min(replaced, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    fewest = min(fewest, beforeLast[column - 1] + 1)
                }
                current[column + 1] = fewest
            }
            (beforeLast, last, current) = (last, current, beforeLast)
        }
        return last[right.count]
    }
}
