import Diagnostics

extension String {
    /// What others may have named, as it is told beside other facts: in quotation marks, with nothing in it that ends them or that a
    /// terminal would obey, so that no name reads as a fact of its own. Of what is longer its beginning and, as that tells paths apart,
    /// its end.
    /// - Parameter limit: Bytes of it, as it is told.
    package func quoted(within limit: Int) -> String {
        // Whole: a part of an escape says something else.
        let parts = unicodeScalars.lazy.map { scalar in
            switch scalar {
            case "\"", "\\": "\\" + String(scalar)
            default: String(scalar).printable
            }
        }
        guard parts.reduce(0, { $0 + $1.utf8.count }) > limit else { return "\"" + parts.joined() + "\"" }
        let start = Self.first(of: parts, within: limit * 3 / 8)
        let end = Self.first(of: parts.reversed(), within: limit * 5 / 8 - 3).reversed()
        return "\"" + start.joined() + "\u{2026}" + end.joined() + "\""
    }

    private static func first(of parts: some Sequence<String>, within limit: Int) -> [String] {
        var first: [String] = []
        var count = 0
        for part in parts {
            count += part.utf8.count
            guard count <= limit else { break }
            first.append(part)
        }
        return first
    }
}
