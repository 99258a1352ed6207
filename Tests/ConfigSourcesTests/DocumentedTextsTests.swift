import ConfigValues
import Diagnostics
import FuzzKit
import Manifests
import ServiceContracts
import Testing

@testable import ConfigSources

/// Each cell of the table of what texts by nature mean, in `docs/reference/config-values.md`, tried.
@Suite struct DocumentedTextsTests {
    /// What is written, as it is, and with `types: Infer`.
    private static func rows() throws -> [[String]] {
        let page = String(
            decoding: try #require(Files.read("\(Files.fuzzingFolder)/../docs/reference/config-values.md")),
            as: UTF8.self)
        let section = try #require(page.split(separator: "\n## Variables, small files and keys of etcd\n").last)
        return section.split(separator: "\n").prefix { !$0.hasPrefix("#") }.filter { $0.hasPrefix("| `") }.map { line in
            line.split(separator: "|").map { cell in
                let parts = cell.split(separator: "`", omittingEmptySubsequences: false)
                return parts.count > 1 ? String(parts[1]) : ""
            }
        }
    }

    private func outcome(_ text: String, _ types: TextTypes) -> String {
        let heard = Heard(
            EnvironmentBackend(
                EnvironmentSource(prefix: "APP_", isStripped: true, separator: "_", types: types),
                SourceLabel(layer: "shop/env", isSecret: false), variables: [Array("APP_V=\(text)".utf8)]))
        if let failure = heard.failure { return failure[0].code.rawValue }
        return heard.trees.last?.map?["v"].map { String(decoding: $0.json(), as: UTF8.self) } ?? "nothing"
    }

    @Test func `every cell of the table is so`() throws {
        let rows = try Self.rows()
        #expect(rows.count > 15, "the table is not where this test looks for it")
        for row in rows {
            try #require(row.count >= 3)
            #expect(outcome(row[0], .text) == row[1], "\(row[0])")
            #expect(outcome(row[0], .infer) == row[2], "\(row[0]), inferred")
        }
    }
}
