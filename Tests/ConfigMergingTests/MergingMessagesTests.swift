import ConfigMerging
import ConfigValues
import Diagnostics
import Testing

/// What people are told of a config that is refused.
@Suite struct MergingMessagesTests {
    @Test func `a clash of types names both places and both layers`() throws {
        let sample = try Sample(["base": "database: {host: db-1}", "production": "database: db-7"])
        #expect(
            sample.refusal == [
                "production.yaml:1:11: error[config.type-clash]: found a string for database, expected a map, as base (base.yaml:1:12) has there"
            ])
        #expect(
            sample.diagnostics[0].remedy
                == "give both the same type; or remove the lower one with null in a source between them")
    }

    @Test func `what null removes is at odds with nothing`() throws {
        let layers: KeyValuePairs = ["a": "m: {x: 1}", "b": "m: {x: {y: 2}}", "c": "m: null", "d": "m: 5"]
        #expect(try Sample(layers).value == #"{"m":5}"#)
        #expect(try Sample(["a": "m: 1", "b": "m: {}", "c": "m: null"]).value == "{}")
    }

    @Test func `all mistakes of a step are told, by position`() throws {
        let sample = try Sample(["base": "a: 1\nb: 2\nc: {d: [1]}", "top": "c: {d: 1}\na: {}\nb: []"])
        #expect(sample.diagnostics.map(\.position.line) == [1, 2, 3])
        #expect(sample.diagnostics[0].found == "a number for c.d")
    }

    @Test func `a map over a reference is refused with the reference's place`() throws {
        let sample = try Sample(["base": "a: ${b}\nb: {}", "top": "a: {c: 1}"])
        #expect(
            sample.refusal == [
                "top.yaml:1:5: error[config.type-clash]: found a map for a, over the reference of base (base.yaml:1:4), expected a scalar, a list or a reference: what a reference leads to is known after the merge only"
            ])
    }

    @Test func `a reference is held to the type of what it stands over`() throws {
        let sample = try Sample(["base": "a: {c: 1}\nb: 7", "top": "a: ${b}"])
        #expect(
            sample.refusal == [
                "top.yaml:1:4: error[config.type-clash]: found a reference for a, to a number of base (base.yaml:2:4), expected a map, as base (base.yaml:1:5) has there"
            ])
        #expect(try Sample(["base": "a: [1]\nb: [2]", "top": "a: ${b}"]).value == #"{"a":[2],"b":[2]}"#)
        // The reference was replaced by what is right, and is not asked any more.
        #expect(try Sample(["base": "a: {c: 1}\nb: 7", "top": "a: ${b}", "last": "a: null"]).value == #"{"b":7}"#)
    }

    @Test func `items without a key, and those of the same key, are told of`() throws {
        let sample = try Sample(["base": "s:\n- {n: 1}\n- 5\n- {m: 1}\n- {n: 1}\n- {n: [1]}"]).merging("s", by: "n")
        #expect(
            sample.refusal == [
                "base.yaml:3:3: error[config.merge-key]: found a number as an item of s, expected a map with \"n\", by which the items of this list are told apart",
                "base.yaml:4:4: error[config.merge-key]: found an item of s without a scalar for \"n\", expected a map with \"n\", by which the items of this list are told apart",
                "base.yaml:5:4: error[config.merge-key]: found an item of s with the same \"n\" as another of this list, expected each once in a list: the other one is at base.yaml:2:4",
                "base.yaml:6:4: error[config.merge-key]: found an item of s without a scalar for \"n\", expected a map with \"n\", by which the items of this list are told apart",
            ])
    }

    @Test func `a reference to nothing, and one that cannot be read, are shown`() throws {
        let sample = try Sample(["base": "a: see ${databse.host}\nb: '${c..d}'\nc: 'x${'"])
        #expect(
            sample.refusal == [
                "base.yaml:1:4: error[config.unknown-reference]: found the reference ${databse.host} in a, to what is not there, expected the path of a value of the merged config",
                "base.yaml:2:4: error[config.broken-reference]: found \".\" in the reference \"${c..d}\", in b, expected a key",
                "base.yaml:3:4: error[config.broken-reference]: found \"${\" without an end, in c, expected \"}\" after the path",
            ])
    }

    @Test func `of a secret source nothing is shown but paths and types`() throws {
        let secret = "a: hunter2${no.such}\nb: 'hunter2${'\nc: '${\"hunter2\"x}'\nd: 'hunter2${m}'\nm: {}"
        let sample = try Sample(["vault": secret], secret: ["vault"])
        #expect(
            sample.refusal == [
                "vault.yaml:1:4: error[config.unknown-reference]: found a reference in a, to what is not there, expected the path of a value of the merged config",
                "vault.yaml:2:4: error[config.broken-reference]: found a reference that cannot be read, in b, expected ${path}, or $${ where the text itself is meant",
                "vault.yaml:3:4: error[config.broken-reference]: found a reference that cannot be read, in c, expected ${path}, or $${ where the text itself is meant",
                "vault.yaml:4:4: error[config.reference-in-text]: found a reference within the text of d, to a map of vault (vault.yaml:5:4), expected a text, a number, true or false within a text",
            ])
        #expect(sample.diagnostics.allSatisfy { !$0.remedy.contains("hunter2") })
    }

    @Test func `a circle is told once, with the whole way`() throws {
        let sample = try Sample(["base": "a: ${b.c}\nb: {c: 'x${d}'}\nd: ${a}\ne: ${a}\nf: ${d}"])
        #expect(
            sample.refusal == [
                "base.yaml:1:4: error[config.reference-cycle]: found references that lead back to where they stand: a -> b.c -> d -> a, expected references that end at a value"
            ])
        #expect(try Sample(["base": "a: {b: '${a}'}"]).diagnostics[0].found.hasSuffix(": a.b -> a -> a.b"))
        #expect(try Sample(["base": "a: ${.}"]).mistakes == ["base.yaml:1:4: config.reference-cycle"])
    }

    @Test func `what a fallback cannot reach is told at the fallback`() throws {
        let sample = try Sample(["base": "a: 5\nl: [1]\nv: 1"]).falling("a.b", to: "v").falling("l.3", to: "v")
            .falling("a.c", to: "nothing")
        #expect(
            sample.refusal == [
                "config.yaml:1:1: error[config.type-clash]: found a fallback for a.b, where a is a number of base (base.yaml:1:4), expected a map or nothing on the way to a fallback's path, or an item that its list has",
                "config.yaml:2:1: error[config.type-clash]: found a fallback for l.3, where l is a list of base (base.yaml:2:4), expected a map or nothing on the way to a fallback's path, or an item that its list has",
            ])
    }

    @Test func `what a check says refuses the config, save warnings`() throws {
        let recipe = try Sample(["base": "port: 80"]).recipe
        func diagnostic(_ severity: Diagnostic.Severity, _ line: Int) -> Diagnostic {
            Diagnostic(
                .configTypeClash, severity, at: SourcePosition(file: "f", line: line, column: 1), found: "a",
                expected: "b",
                remedy: "c")
        }
        var seen: [String] = []
        let config = try EvaluatedConfig(recipe) { value in
            seen.append(value.text)
            return [diagnostic(.warning, 2), diagnostic(.warning, 1)]
        }
        #expect(seen == [#"{"port":80}"#])
        #expect(config.warnings.map(\.position.line) == [1, 2])
        #expect(throws: ConfigRefusal.self) {
            try EvaluatedConfig(recipe, after: config) { _ in [diagnostic(.warning, 1), diagnostic(.error, 2)] }
        }
    }
}
