import Diagnostics
import YAMLSyntax

extension Scalar {
    /// A duration of Gateway API (GEP-2257): one to four groups of up to five digits and `h`, `m`, `s` or `ms`.
    /// - Parameter allowsZero: whether `0s` is accepted besides the range, where it means "none".
    static func duration(in range: ClosedRange<Duration>, allowsZero: Bool = false) -> Reading<Duration> {
        { node, problems in
            guard case .scalar(let scalar) = node.content, scalar.kind == .string,
                let value = Duration(manifest: scalar.text)
            else {
                problems.report(
                    .wrongType, node, expected: "a duration such as \"30s\", \"500ms\" or \"1h30m\"",
                    remedy: "write whole numbers, each with its unit h, m, s or ms")
                return nil
            }
            guard range.contains(value) || allowsZero && value == .zero else {
                let bounds = "\(range.lowerBound.manifestText) to \(range.upperBound.manifestText)"
                problems.report(
                    .outOfRange, node, expected: "a duration from \(bounds)\(allowsZero ? ", or 0s for none" : "")",
                    remedy: "choose a duration from \(bounds)")
                return nil
            }
            return value
        }
    }
}

extension Duration {
    /// - Returns: `nil` if `text` is not a duration of GEP-2257.
    package init?(manifest text: String) {
        var rest = text.utf8[...]
        var milliseconds = 0
        var groups = 0
        while !rest.isEmpty {
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard groups < 4, (1...5).contains(digits.count), let number = Int(Substring(digits)) else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit: Int
            if rest.starts(with: "ms".utf8) {
                unit = 1
                rest = rest.dropFirst(2)
            } else {
                switch rest.popFirst() {
                case UInt8(ascii: "h"): unit = 3_600_000
                case UInt8(ascii: "m"): unit = 60_000
                case UInt8(ascii: "s"): unit = 1_000
                default: return nil
                }
            }
            milliseconds += number * unit
            groups += 1
        }
        guard groups > 0 else { return nil }
        self = .milliseconds(milliseconds)
    }

    /// As a manifest writes it, to the millisecond: `1h30m`, `500ms`, `0s`.
    package var manifestText: String {
        var rest = Int(components.seconds) * 1_000 + Int(components.attoseconds / 1_000_000_000_000_000)
        guard rest > 0 else { return "0s" }
        var text = ""
        for (unit, name) in [(3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")] where rest >= unit {
            text += "\(rest / unit)\(name)"
            rest %= unit
        }
        return text
    }
}
