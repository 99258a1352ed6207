package import ConfigValues
import FuzzKit

/// Published cases, which lie beside the repository and not in it.
package enum ConformanceCases {
    /// Those that do not come out as they say, or of which they say nothing, and whether they are taken: as
    /// `docs/reference/config-values.md` has them, with why.
    package static func exceptions() -> [String: Bool] {
        let page = String(
            decoding: Files.read("\(Files.fuzzingFolder)/../docs/reference/config-values.md") ?? [], as: UTF8.self)
        var exceptions: [String: Bool] = [:]
        for line in page.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.drop { $0 == " " } }
            guard cells.count == 3, cells[1] == "taken " || cells[1] == "refused " else { continue }
            exceptions[String(cells[0].filter { $0 != "`" && $0 != " " })] = cells[1] == "taken "
        }
        return exceptions
    }

    /// What a file of theirs says; `nil` where it is not.
    package static func read(_ name: String) throws -> ConfigValue? {
        let root = #filePath.split(separator: "/").dropLast(3)
        for levels in 1...3 {
            let path = "/" + root.dropLast(levels).joined(separator: "/") + "/shared/conformance/" + name
            guard let bytes = Files.read(path) else { continue }
            var limits = ConfigLimits()
            limits.byteCount = 64 << 20
            limits.valueCount = 10_000_000
            return try JSONReader.read(bytes.span, of: TextOrigin(layer: "test", file: name), limits: limits)
        }
        return nil
    }
}
