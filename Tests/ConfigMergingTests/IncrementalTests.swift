import ConfigMerging
import ConfigValues
import Diagnostics
import Testing

/// What `RandomStackTests` tries at random, in the cases that are meant.
@Suite struct IncrementalTests {
    /// Evaluates, changes a layer, and evaluates anew and after the first.
    private func check(
        _ sample: Sample, _ layer: Int, _ yaml: String?, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let before = try sample.evaluated()
        var changed = sample
        let name = sample.recipe.layers[layer].name
        changed.recipe.layers[layer] = try yaml.map { try Trees.layer(name, $0) } ?? ConfigLayer(name: name, tree: nil)
        let whole = changed.refusal.isEmpty ? try changed.value : changed.refusal.joined()
        var again: String
        do throws(ConfigRefusal) {
            again = try EvaluatedConfig(changed.recipe, after: before).value.text
        } catch {
            again = error.diagnostics.map(\.description).joined()
        }
        #expect(again == whole, sourceLocation: sourceLocation)
    }

    @Test func `a reference follows what it leads to, over any number of others`() throws {
        let sample = try Sample(["base": "a: 1\nb: ${a}\nc: 'x${b}'\nd: {e: '${c}'}\nf: ${d}", "top": "g: 1"])
        try check(sample, 1, "a: 2")
        try check(sample, 1, "b: {x: 1}")
        try check(sample, 1, "c: '${a}'")
        try check(sample, 1, "a: null")
        try check(sample, 1, "a: ${f}")
        try check(sample, 0, "f: 1")
    }

    @Test func `a fallback comes and goes with what stands in its place`() throws {
        let sample = try Sample(["base": "a: 1\nr: '${x.y}'", "top": "{}"]).falling("x.y", to: "z", "a").falling(
            "w", to: "x")
        try check(sample, 1, "x: {y: 2}")
        try check(sample, 1, "z: '${a}'")
        try check(sample, 1, "x: {v: 2}")
        try check(sample, 1, "x: 5")
        try check(sample, 0, "r: 1")
    }

    @Test func `a layer comes and goes`() throws {
        let sample = try Sample(["base": "a: {b: 1}", "top": "a: {b: 2, c: 3}"])
        try check(sample, 1, nil)
        try check(sample, 0, nil)
        var absent = sample
        absent.recipe.layers[1] = ConfigLayer(name: "top", tree: nil)
        try check(absent, 1, "a: {b: 2}")
    }

    @Test func `what a null below hid, or a type, comes to light`() throws {
        let sample = try Sample(["base": "a: {b: 1}", "mid": "a: null", "top": "a: {c: 1}"])
        try check(sample, 1, "{}")
        try check(sample, 1, "a: {b: null}")
        try check(sample, 1, "a: 5")
        try check(sample, 0, "a: 5")
    }

    @Test func `lists with a merge key are merged again`() throws {
        let sample = try Sample(["base": "s: [{n: a, v: 1}, {n: b}]", "top": "s: [{n: b, v: '${s.0.v}'}]"]).merging(
            "s", by: "n")
        try check(sample, 0, "s: [{n: b}, {n: a, v: 2}]")
        try check(sample, 0, "s: [{n: b}, {n: b}]")
        try check(sample, 1, "s: [{n: c, v: '${s.0.v}'}]")
    }

    @Test func `other rules are another config, and evaluated anew`() throws {
        let sample = try Sample(["base": "s: [{n: a}]\nv: 1", "top": "s: [{n: b}]"])
        let before = try sample.evaluated()
        let merging = try sample.merging("s", by: "n")
        #expect(try EvaluatedConfig(merging.recipe, after: before).value.text == merging.value)
        let falling = try sample.falling("w", to: "v")
        #expect(try EvaluatedConfig(falling.recipe, after: before).value.text == falling.value)
        var shorter = sample
        shorter.recipe.layers.removeLast()
        #expect(try EvaluatedConfig(shorter.recipe, after: before).value.text == shorter.value)
    }

    @Test func `where a value stands is as much of it as the value`() throws {
        let sample = try Sample(["base": "a: 1\nb: 2"])
        let before = try sample.evaluated()
        var moved = sample
        moved.recipe.layers[0] = try Trees.layer("base", "# a line more\na: 1\nb: 2")
        let after = try EvaluatedConfig(moved.recipe, after: before)
        #expect(after.value.map?["b"]?.origin.position.line == 3)
    }
}
