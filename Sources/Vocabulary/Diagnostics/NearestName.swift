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

    /// Parts longer than this many bytes are not compared; bounds the work of one comparison.
    private static let maximumByteCount = 64
    /// Candidates looked at; bounds the work of one mistake.
    private static let maximumCandidateCount = 10_000

    /// - Returns: The candidate with the fewest edits from `name`, as it looks, if these are no more than a third of its
    ///   length (one at least); the first of several. `nil` if none is that close. Of names with slashes each part is
    ///   measured by itself: what `shop/nix` has in common with `shop/gg` brings them no nearer.
    package init?(to name: String, among candidates: some Sequence<String>) {
        let likeness = LookAlikes(in: name)
        guard let nearest = Self.of(likeness?.ascii ?? name, among: candidates) else { return nil }
        self.name = nearest
        note = likeness?.note
    }

    static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
        guard !name.isEmpty else { return nil }
        let wanted = parts(of: name)
        var best: (name: String, distance: Int)?
        for candidate in candidates.prefix(maximumCandidateCount) {
            let found = parts(of: candidate)
            let limit = (best?.distance ?? .max) - 1
            let distance =
                found.count == wanted.count
                ? distance(wanted, found, limit)
                : distance([Array(wanted.joined(separator: slash))], [Array(found.joined(separator: slash))], limit)
            if let distance { best = (candidate, distance) }
        }
        return best?.name
    }

    private static let slash = CollectionOfOne(UInt8(ascii: "/"))

    private static func parts(of name: String) -> [[UInt8]] {
        name.lowercased().utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map(Array.init)
    }

    /// - Returns: The edits of all parts; `nil` if they are more than `limit`, or those of one part too many for it.
    private static func distance(_ wanted: [[UInt8]], _ found: [[UInt8]], _ limit: Int) -> Int? {
        var sum = 0
        for (wanted, found) in zip(wanted, found) where wanted != found {
            guard wanted.count <= maximumByteCount, found.count <= maximumByteCount else { return nil }
            let allowed = min(max(1, wanted.count / 3), limit - sum)
            guard allowed >= 0, abs(found.count - wanted.count) <= allowed else { return nil }
            let distance = editDistance(wanted, found)
            guard distance <= allowed else { return nil }
            sum += distance
        }
        return sum <= limit ? sum : nil
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
