import ConfigMerging
import ConfigValues
import Diagnostics
import Testing

/// A few lines can ask for any amount.
@Suite struct ReferenceBoundsTests {
    @Test func `texts that double with each reference are refused before they are made`() throws {
        let lines = ["a0: ha ha ha ha"] + (1...60).map { "a\($0): '${a\($0 - 1)}${a\($0 - 1)}'" }
        let sample = try Sample(["base": lines.joined(separator: "\n")])
        #expect(sample.mistakes == ["base.yaml:20:6: config.too-large"])
        #expect(sample.diagnostics[0].expected == "at most 8388608 bytes")
    }

    @Test func `maps that double with each reference are refused, too`() throws {
        let lines = ["a0: {x: 1}"] + (1...40).map { "a\($0): {x: '${a\($0 - 1)}', y: '${a\($0 - 1)}'}" }
        let mistakes = try Sample(["base": lines.joined(separator: "\n")]).limited { $0.depth = 100 }.mistakes
        #expect(mistakes.count == 1 && mistakes[0].hasSuffix("config.too-large"))
    }

    @Test func `what references nest is bounded`() throws {
        let lines = ["a0: {x: 1}"] + (1...70).map { "a\($0): {x: '${a\($0 - 1)}'}" }
        let mistakes = try Sample(["base": lines.joined(separator: "\n")]).mistakes
        #expect(mistakes == ["base.yaml:64:10: config.too-deep"])
    }

    @Test func `fallbacks that double what is there are refused`() throws {
        var sample = try Sample(["base": "a: {x: a text of some length}"])
        for index in 0..<40 { sample = try sample.falling("a.f\(index)", to: "a") }
        let mistakes = sample.mistakes
        #expect(mistakes.count == 1 && mistakes[0].hasSuffix("config.too-large"))
        sample = try Sample(["base": "a: {x: 1}"])
        for index in 0..<70 {
            sample = try sample.falling("f\(index).x", to: index == 0 ? "a" : "f\(index - 1)")
        }
        #expect(sample.mistakes.first == "config.yaml:63:1: config.too-deep")
    }

    @Test func `ten thousand references are followed, in a chain as long, and no more`() throws {
        var lines = ["a00000: 7"]
        for index in 1...10_000 {
            let (name, before) = (String(100_000 + index).dropFirst(), String(99_999 + index).dropFirst())
            lines.append("a\(name): ${a\(before)}")
        }
        let config = try Sample(["base": lines.joined(separator: "\n")]).evaluated()
        #expect(config.value.map?["a10000"]?.text == "7")
        #expect(try config.explanation(of: ConfigPath(dotted: "a10000")).steps.count == 10_001)
        lines.append("b: '${a00000} ${a00001}'")
        #expect(
            try Sample(["base": lines.joined(separator: "\n")]).mistakes == [
                "base.yaml:10002:4: config.too-many-references"
            ])
    }

    @Test func `many references to one map that holds many are followed without looking at each for each`() throws {
        let texts = (0..<2_000).map { "t\($0): 'x ${v}'" }
        let maps = (0..<2).map { "m\($0): ${t}" }
        let sample = try Sample([
            "base": "v: 1\nt:\n" + texts.map { "  " + $0 }.joined(separator: "\n") + "\n" + maps.joined(separator: "\n")
        ])
        #expect(try sample.evaluated().value.map?["m1"]?.map?["t1999"]?.text == #""x 1""#)
    }

    @Test func `a path of any length is a path to nothing, and is not shown whole`() throws {
        let path = Array(repeating: "a", count: 100_000).joined(separator: ".")
        let diagnostics = try Sample(["base": "a: {b: '${\(path)}'}"]).diagnostics
        #expect(diagnostics.map(\.code) == [.configUnknownReference])
        #expect(diagnostics[0].found.utf8.count < 300)
    }

    @Test func `of any number of mistakes a thousand are told`() throws {
        let keys = (0..<1_500).map { "k\($0)" }
        let base = keys.map { "\($0): 1" }.joined(separator: "\n")
        let top = keys.map { "\($0): [1]" }.joined(separator: "\n")
        #expect(try Sample(["base": base, "top": top]).diagnostics.count == 1_000)
    }

    @Test func `all of ten thousand references follow what they have in common`() throws {
        let texts = (0..<10_000).map { "t\($0): 'x ${v}'" }
        var sample = try Sample(["base": texts.joined(separator: "\n"), "top": "v: 1"])
        let before = try sample.evaluated()
        sample.recipe.layers[1] = try Trees.layer("top", "v: 2")
        let after = try EvaluatedConfig(sample.recipe, after: before)
        #expect(after.value.map?.entries.count { $0.value.string == "x 2" } == 10_000)
    }
}
