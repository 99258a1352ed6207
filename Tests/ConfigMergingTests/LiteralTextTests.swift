import ConfigMerging
import ConfigValues
import Diagnostics
import Testing

/// Texts that are what they are, whatever they look like: of variables, dotenv, small files and keys of etcd.
struct LiteralTextTests {
    private func sample(_ document: String, _ literal: String) throws -> Sample {
        var sample = try Sample(["base": document])
        sample.recipe.layers.append(
            ConfigLayer(name: "env", tree: Trees.literal(try Trees.value(literal, layer: "env"))))
        return sample
    }

    @Test func `a text with braces, an end that is missing or two dollars is itself`() throws {
        let texts = #"{a: "${b}", c: "${", d: "$${x}", e: "pa${ss", f: ["${b}", {g: "${nothing}"}]}"#
        #expect(
            try sample("{b: 1}", texts).value
                == #"{"a":"${b}","b":1,"c":"${","d":"$${x}","e":"pa${ss","f":["${b}",{"g":"${nothing}"}]}"#)
    }

    @Test func `it may be referred to, and is not read again`() throws {
        #expect(
            try sample(#"{whole: "${a}", part: "is ${a}"}"#, #"{a: "${b}"}"#).value
                == #"{"a":"${b}","part":"is ${b}","whole":"${b}"}"#)
        let fallen = try sample("{b: 1}", #"{a: "${b}"}"#).falling("copy", to: "a")
        #expect(try fallen.value == #"{"a":"${b}","b":1,"copy":"${b}"}"#)
    }

    @Test func `it is a scalar, and stands over nothing else`() throws {
        #expect(try sample("{a: {b: 1}}", #"{a: "${c}"}"#).mistakes == ["env.yaml:1:5: config.type-clash"])
    }

    @Test func `what becomes of it is the same after a change`() throws {
        let before = try sample("{b: 1}", #"{a: "${b}"}"#)
        let after = try sample("{b: 2}", #"{a: "${b}", c: "${b}"}"#)
        let evaluated = try EvaluatedConfig(after.recipe, after: try before.evaluated())
        #expect(evaluated.value.text == (try after.value) && evaluated.value.text == #"{"a":"${b}","b":2,"c":"${b}"}"#)
    }

    @Test func `a text that is read from now on as a document's, or as it is, is another one at the same place`() throws
    {
        let (document, literal) = (
            try Sample(["base": "{b: 1}", "env": #"{a: "${b}"}"#]), try sample("{b: 1}", #"{a: "${b}"}"#)
        )
        let read = try EvaluatedConfig(document.recipe, after: try literal.evaluated())
        #expect(read.value.text == #"{"a":1,"b":1}"#)
        #expect(try EvaluatedConfig(literal.recipe, after: read).value.text == #"{"a":"${b}","b":1}"#)
    }

    @Test func `a circle of secret references is told by its paths, and by nothing that stands in them`() throws {
        let secret = try Sample(
            ["vault": #"{a: "hunter ${b} two", b: {c: "three ${a}"}, other: "four"}"#], secret: ["vault"])
        let told = try #require(secret.refusal.first)
        #expect(told.contains("a -> b -> b.c -> a"), "\(told)")
        for word in ["hunter", "two", "three", "four"] {
            #expect(!secret.diagnostics.contains { "\($0) \($0.found) \($0.expected) \($0.remedy)".contains(word) })
        }
    }
}
