import ConfigValues
import Diagnostics
import JSONSchemas

/// What it takes to hold a config of 10,000 keys against its schema, to be run in release.
@main
struct SchemaBenchmark {
    private static let origin = ValueOrigin(layer: "benchmark", position: .place("a value of the benchmark"))

    static func main() {
        let plain = #"""
            {"type": "object", "additionalProperties": {"type": "object", "required": ["host", "port"],
             "properties": {"host": {"type": "string", "minLength": 1}, "port": {"$ref": "#/$defs/port"},
              "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
              "level": {"enum": ["debug", "info", "warn"]}}, "additionalProperties": false},
             "$defs": {"port": {"type": "integer", "minimum": 1, "maximum": 65535}}}
            """#
        measure("flat, 10,000 strings", value: flat(10_000), #"{"additionalProperties": {"type": "string"}}"#)
        measure("nested, 10,000 values in 1,667 maps", value: nested(1_667), plain)
        measure(
            "flat, with a pattern and unevaluatedProperties", value: flat(10_000),
            #"{"patternProperties": {"^key_[0-9]+$": {"type": "string"}}, "unevaluatedProperties": false}"#)
    }

    private static func make(_ content: ConfigValue.Content) -> ConfigValue { ConfigValue(content, origin: origin) }

    private static func flat(_ count: Int) -> ConfigValue {
        let entries = (0..<count).map { ConfigMap.Entry("key_\($0)", make(.string("value \($0)"))) }
        return make(.map(ConfigMap(entries) ?? ConfigMap()))
    }

    private static func nested(_ count: Int) -> ConfigValue {
        let entries = (0..<count).map { number in
            let members = [
                ConfigMap.Entry("host", make(.string("host-\(number).example.org"))),
                ConfigMap.Entry("level", make(.string("info"))),
                ConfigMap.Entry("port", make(.number(.integer(Int64(1_024 + number))))),
                ConfigMap.Entry("tags", make(.list([make(.string("a")), make(.string("b"))]))),
            ]
            return ConfigMap.Entry("service_\(number)", make(.map(ConfigMap(inOrder: members))))
        }
        return make(.map(ConfigMap(entries) ?? ConfigMap()))
    }

    private static func measure(_ name: String, value: ConfigValue, _ text: String) {
        var problems: [Diagnostic] = []
        guard
            let schema = try? JSONReader.read(Array(text.utf8).span, of: TextOrigin(layer: "benchmark", file: "schema.json")),
            let compiled = JSONSchema(schema, problems: &problems)
        else { fatalError("\(problems)") }
        let clock = ContinuousClock()
        var times: [Duration] = []
        for _ in 0..<101 {
            times.append(clock.measure { precondition(compiled.mistakes(in: value).isEmpty) })
        }
        times.sort()
        print("\(name): \(times[50]) (fastest \(times[0]))")
    }
}
