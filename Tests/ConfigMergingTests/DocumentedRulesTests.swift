import ConfigMerging
import ConfigValues
import Diagnostics
import FuzzKit
import Testing

/// The examples of docs/reference/config-merging.md, as they stand there.
@Suite struct DocumentedRulesTests {
    /// A document of an example: its first line is its name.
    struct Part: CustomStringConvertible {
        let name: String
        let text: String

        var description: String { text }
    }

    static let examples: [[Part]] = {
        let bytes = Files.read("\(Files.fuzzingFolder)/../docs/reference/config-merging.md") ?? []
        let page = String(decoding: bytes, as: UTF8.self)
        return page.split(separator: "```yaml\n").dropFirst().map { block in
            let end = block.firstRange(of: "```")?.lowerBound ?? block.endIndex
            return String(block[..<end]).split(separator: "---\n").map { text in
                Part(name: String(text.dropFirst(2).prefix { $0 != "\n" }), text: String(text))
            }
        }
    }()

    @Test func `examples are where this test looks for them`() { #expect(Self.examples.count > 20) }

    @Test(arguments: examples)
    func `an example is as it says`(parts: [Part]) throws {
        var sample = try Sample([:])
        for part in parts {
            let name = String(part.name.split(separator: ",")[0].replacing(".yaml", with: ""))
            switch part.name {
            case "config.yaml": try apply(part, to: &sample.recipe)
            case "defaults": sample.recipe.defaults = try Trees.layer("defaults", part.text)
            case "value": #expect(try sample.value == Trees.value(part.text, layer: name).text)
            case "shown":
                #expect(try sample.evaluated().value.redacted.text == Trees.value(part.text, layer: name).text)
            case "refused":
                let expected = try #require(try Trees.value(part.text, layer: name).map).entries.map { entry in
                    "\(entry.key): \(entry.value.text.dropFirst().dropLast())"
                }
                #expect(sample.mistakes == expected)
            default:
                sample.recipe.layers.append(
                    try Trees.layer(name, part.text, isSecret: part.name.hasSuffix(", secret")))
            }
        }
        #expect(["value", "shown", "refused"].contains(parts.last?.name))
    }

    /// The fields of a Config.
    private func apply(_ part: Part, to recipe: inout ConfigRecipe) throws {
        let fields = try #require(try Trees.value(part.text, layer: "config").map)
        recipe.mergeKeys = MergeKeys(
            try (fields["mergeKeys"]?.list ?? []).map { rule in
                MergeKeys.Rule(path: try path(rule.map?["path"]), key: try #require(rule.map?["key"]?.string))
            })
        recipe.fallbacks = try (fields["fallbacks"]?.list ?? []).map { fallback in
            ConfigFallback(
                path: try path(fallback.map?["path"]), from: try (fallback.map?["from"]?.list ?? []).map(path),
                position: fallback.origin.position)
        }
    }

    private func path(_ value: ConfigValue?) throws -> ConfigPath {
        try ConfigPath(dotted: try #require(value?.string))
    }
}
