import ConfigFormats
import ConfigValues
import Diagnostics
import Manifests
import ServiceContracts
import Testing

@testable import ConfigSources

/// What is text by nature becomes what the schema says of its place.
struct TextFittingTests {
    private func value(_ json: String) throws -> ConfigValue {
        try JSONReader.read(Array(json.utf8).span, of: TextOrigin(layer: "test", file: "test"))
    }

    private func fitted(_ tree: String, _ schema: String, others: [String] = [], fitsKeys: Bool = false) throws
        -> String
    {
        let fitting = TextFitting(
            fitsKeys: fitsKeys, schema: try value(schema), others: try others.map { try value($0) })
        return String(decoding: fitting.fit(try value(tree)).json(), as: UTF8.self)
    }

    @Test(arguments: [
        (#"{"properties":{"a":{"type":"integer"}}}"#, #"{"a":1}"#),
        (##"{"properties":{"a":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"number"}}}"##, #"{"a":1}"#),
        (
            ##"{"properties":{"a":{"$ref":"#/$defs/m"}},"$defs":{"m":{"$ref":"#/$defs/n"},"n":{"type":"integer"}}}"##,
            #"{"a":1}"#
        ),
        (##"{"$ref":"#/$defs/n","$defs":{"n":{"properties":{"a":{"type":"integer"}}}}}"##, #"{"a":1}"#),
        (#"{"allOf":[{},{"properties":{"a":{"type":["null","integer"]}}}]}"#, #"{"a":1}"#),
        (#"{"additionalProperties":{"type":"integer"}}"#, #"{"a":1}"#),
        (#"{"properties":{"b":{}},"additionalProperties":{"type":"integer"}}"#, #"{"a":1}"#),
        // Each whole number is a number; what is a text in one of two is a text in neither.
        (#"{"allOf":[{"properties":{"a":{"type":"number"}}},{"properties":{"a":{"type":"integer"}}}]}"#, #"{"a":1}"#),
        (
            #"{"allOf":[{"properties":{"a":{"type":["string","integer"]}}},{"properties":{"a":{"type":"integer"}}}]}"#,
            #"{"a":1}"#
        ),
        // What depends on the value, on expressions or on other documents says nothing.
        (#"{"anyOf":[{"properties":{"a":{"type":"integer"}}}]}"#, #"{"a":"1"}"#),
        (#"{"patternProperties":{"b":{}},"additionalProperties":{"type":"integer"}}"#, #"{"a":"1"}"#),
        (#"{"properties":{"a":{"$ref":"other.json#/n"}}}"#, #"{"a":"1"}"#),
        (##"{"properties":{"a":{"$ref":"#/nowhere"}}}"##, #"{"a":"1"}"#),
        (#"{"properties":{"a":{"type":"boolean"}}}"#, #"{"a":"1"}"#), ("true", #"{"a":"1"}"#),
        (#"{"properties":{"a":{"type":["string","integer"]}}}"#, #"{"a":"1"}"#),
    ])
    func `a place has the type that all of the schema says of it`(schema: String, expected: String) throws {
        #expect(try fitted(#"{"a":"1"}"#, schema) == expected)
    }

    @Test func `items of lists have theirs`() throws {
        let schema =
            #"{"properties":{"l":{"prefixItems":[{"type":"string"},{"type":"boolean"}],"items":{"type":"integer"}}}}"#
        #expect(try fitted(#"{"l":["1","true","3","4"]}"#, schema) == #"{"l":["1",true,3,4]}"#)
    }

    @Test func `a schema that leads to itself, or to very many, is read to an end`() throws {
        let endless = ##"{"$ref":"#","allOf":[{"$ref":"#"},{"$ref":"#/allOf/0"}],"additionalProperties":{"$ref":"#"}}"##
        #expect(try fitted(#"{"a":{"b":{"c":"1"}}}"#, endless) == #"{"a":{"b":{"c":"1"}}}"#)
        let many = (0..<1_000).map { _ in #"{"allOf":[{},{},{}]}"# }.joined(separator: ",")
        #expect(try fitted(#"{"a":"1"}"#, "{\"allOf\":[\(many)]}") == #"{"a":"1"}"#)
    }

    @Test func `a name fits the keys that a schema has behind references`() throws {
        let schema = ##"{"allOf":[{"$ref":"#/$defs/o"}],"$defs":{"o":{"properties":{"maxUsers":{"type":"integer"}}}}}"##
        #expect(try fitted(#"{"max_users":"5"}"#, schema, fitsKeys: true) == #"{"maxUsers":5}"#)
        #expect(try fitted(#"{"max_users":"5"}"#, schema) == #"{"max_users":"5"}"#)
    }

    // MARK: Names in dotenv

    private func dotenv(_ text: String, _ change: (inout DotenvNames) -> Void = { _ in }) -> ConfigSourceNews {
        var names = DotenvNames()
        change(&names)
        return SourceLabel(layer: "shop/env", isSecret: false).document(
            Array(text.utf8), .dotenv, names, from: "/a.env")
    }

    private func json(_ news: ConfigSourceNews) -> String? {
        if case .tree(let tree) = news { String(decoding: tree.value.json(), as: UTF8.self) } else { nil }
    }

    @Test func `names in a dotenv file mean what variables do, if that is said`() {
        let text = "APP_DB_HOST=a\nAPP_PORT=80\nOther=x\n"
        #expect(json(dotenv(text)) == #"{"APP_DB_HOST":"a","APP_PORT":"80","Other":"x"}"#)
        #expect(json(dotenv(text) { $0.prefix = "APP_" }) == #"{"DB_HOST":"a","PORT":"80"}"#)
        #expect(json(dotenv(text) { ($0.prefix, $0.separator) = ("APP_", "_") }) == #"{"db":{"host":"a"},"port":"80"}"#)
        #expect(
            json(dotenv(text) { ($0.prefix, $0.isStripped, $0.separator) = ("APP_", false, "__") })
                == #"{"app_db_host":"a","app_port":"80"}"#)
        #expect(json(dotenv(text) { ($0.prefix, $0.types) = ("APP_P", .infer) }) == #"{"ORT":80}"#)
        guard case .tree(let tree) = dotenv(text, { $0.separator = "_" }) else { return #expect(Bool(false)) }
        #expect(tree.value[ConfigPath(["app", "port"])]?.origin.position.line == 2)
    }

    @Test func `two names of one place in a dotenv file are a mistake, with both lines`() {
        guard case .failure(let problems) = dotenv("A=1\nA_B=2\n", { $0.separator = "_" }) else {
            return #expect(Bool(false))
        }
        #expect(problems.map(\.code) == [.sourceClash])
        #expect(
            problems.first?.position.description == "/a.env:1:3" && problems.first?.found.contains("/a.env:2:5") == true
        )
    }

    @Test func `what is read says whether it has references`() throws {
        var label = SourceLabel(layer: "shop/env", isSecret: false)
        for isLiteral in [true, false] {
            label.isLiteral = isLiteral
            for format in [ConfigFormat.dotenv, .yaml] {
                let text = format == .dotenv ? "A=1" : "a: 1"
                guard case .tree(let tree) = label.document(Array(text.utf8), format, DotenvNames(), from: "/a") else {
                    return #expect(Bool(false))
                }
                #expect(tree.value.map?.entries.map(\.value.origin.isLiteral) == [isLiteral])
            }
        }
    }
}
