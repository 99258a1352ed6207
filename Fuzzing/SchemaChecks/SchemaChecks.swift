import ConfigValues
import Diagnostics
import JSONSchemas

/// What must hold of any schema and any value, whatever they say.
package enum SchemaChecks {
    private static let origin = TextOrigin(layer: "fuzz", file: "fuzz.json")

    /// - Parameter input: A list in JSON, of which the first is a schema and the others are values; or, of other bytes, what a
    ///   schema and values are made by.
    /// - Returns: How it was treated.
    package static func check(_ input: [UInt8]) -> UInt64 {
        if input.first == UInt8(ascii: "[") {
            guard let list = try? JSONReader.read(input.span, of: origin).list, let schema = list.first else {
                return 0
            }
            return check(schema, list.dropFirst().prefix(8))
        }
        var made = MadeSchema(input)
        let schema = made.schema()
        return check(schema, (0..<3).map { _ in made.value() })
    }

    private static func check(_ schema: ConfigValue, _ values: some Sequence<ConfigValue>) -> UInt64 {
        let schema = named(schema)
        var features = FeatureHash()
        var problems: [Diagnostic] = []
        let compiled = JSONSchema(schema, limits: limits(depth: 64), problems: &problems)
        check(problems, &features)
        precondition((compiled == nil) == problems.contains { $0.severity == .error })
        checkShape(schema, problems, isCompiled: compiled != nil)
        guard let compiled else { return features.value }
        let same = equivalents(of: schema)
        for value in values {
            let answer = answer(compiled, value, &features)
            checkSecrecy(compiled, value)
            guard let answer else { continue }
            for (name, other) in same {
                guard let otherAnswer = self.answer(other, value, &features) else { continue }
                precondition(otherAnswer == answer, name)
            }
        }
        return features.value
    }

    /// With a URI, so that it means the same as a part of another schema.
    private static func named(_ schema: ConfigValue) -> ConfigValue {
        guard var map = schema.map else { return schema }
        map["$id"] = ConfigValue(.string("urn:fuzz:schema"), origin: schema.origin)
        return ConfigValue(.map(map), origin: schema.origin)
    }

    private static func limits(depth: Int) -> SchemaLimits {
        var limits = SchemaLimits()
        limits.depth = depth
        limits.stepCount = 50_000
        return limits
    }

    /// - Returns: Whether the schema holds; `nil`: that was not to be found out.
    private static func answer(_ schema: JSONSchema, _ value: ConfigValue, _ features: inout FeatureHash) -> Bool? {
        let mistakes = schema.mistakes(in: value)
        check(mistakes, &features)
        precondition(mistakes.count <= 20)
        if mistakes.contains(where: { $0.code != .schemaRefusedValue }) { return nil }
        precondition(!mistakes.contains { $0.expected == "what the schema says" }, "a mistake that nothing explains")
        return mistakes.isEmpty
    }

    private static func check(_ diagnostics: [Diagnostic], _ features: inout FeatureHash) {
        for diagnostic in diagnostics {
            precondition(!diagnostic.found.isEmpty && !diagnostic.expected.isEmpty && !diagnostic.remedy.isEmpty)
            precondition(diagnostic.description.utf8.count + diagnostic.remedy.utf8.count < 8_000)
            features.add(diagnostic.code.rawValue)
            features.add(String(diagnostic.expected.prefix(12)))
        }
        features.add(String(min(diagnostics.count, 3)))
    }

    private static let metaschema: JSONSchema = {
        var problems: [Diagnostic] = []
        let name = ConfigValue(.string(dialect), origin: ValueOrigin(layer: "fuzz", position: .place("fuzz")))
        let map = ConfigMap(inOrder: [ConfigMap.Entry("$ref", name)])
        guard let schema = JSONSchema(ConfigValue(.map(map), origin: name.origin), problems: &problems) else {
            fatalError("the metaschema is no schema: \(problems)")
        }
        return schema
    }()

    private static let dialect = "https://json-schema.org/draft/2020-12/schema"

    /// What the compiler says of a schema's shape is what the metaschema says.
    private static func checkShape(_ schema: ConfigValue, _ problems: [Diagnostic], isCompiled: Bool) {
        guard !problems.contains(where: { $0.code == .schemaUnknownDialect || $0.code == .schemaTooLarge }) else {
            return
        }
        let mistakes = metaschema.mistakes(in: schema)
        if !mistakes.isEmpty { precondition(!isCompiled, "\(mistakes)") }
        let shapes = problems.filter {
            $0.code == .schemaInvalid && !$0.found.hasSuffix("a second time") && !$0.found.hasPrefix("\"$schema\"")
        }
        precondition(shapes.isEmpty || !mistakes.isEmpty, "\(shapes)")
    }

    /// Schemas that mean the same as one.
    private static func equivalents(of schema: ConfigValue) -> [(String, JSONSchema)] {
        let reference = #"{"$ref": "urn:fuzz:schema"}"#
        let texts = [
            #"{"not": {"not": S}}"#, #"{"allOf": [S, S]}"#, #"{"anyOf": [S, S]}"#, #"{"oneOf": [false, S]}"#,
            #"{"if": S, "then": true, "else": false}"#, #"{"if": S, "else": S}"#,
            #"{"$dynamicRef": "urn:fuzz:schema"}"#,
            #"{"anyOf": [S], "unevaluatedProperties": true, "unevaluatedItems": true}"#,
            #"{"allOf": [{"anyOf": [S, {"not": true}]}, {"oneOf": [S, false, false]}]}"#,
        ]
        return texts.compactMap { text in
            let whole = text.split(separator: "S", omittingEmptySubsequences: false).joined(separator: reference)
            guard var map = (try? JSONReader.read(Array(whole.utf8).span, of: origin))?.map else { return nil }
            let definitions = ConfigMap(inOrder: [ConfigMap.Entry("s", schema)])
            map["$defs"] = ConfigValue(.map(definitions), origin: schema.origin)
            guard schema.map != nil else { return nil }
            var problems: [Diagnostic] = []
            let compiled = JSONSchema(
                ConfigValue(.map(map), origin: schema.origin), limits: limits(depth: 80), problems: &problems)
            // It may be as large as may be, or loop only where it is dynamic.
            precondition(compiled != nil || problems.contains { $0.code == .schemaTooLarge }, "\(text): \(problems)")
            return compiled.map { (text, $0) }
        }
    }

    /// Nothing of a secret value is told.
    private static func checkSecrecy(_ schema: JSONSchema, _ value: ConfigValue) {
        for mistake in schema.mistakes(in: hidden(value)) {
            let text = mistake.found + mistake.expected + mistake.remedy
            precondition(!text.contains("hidden") && !text.contains("918273645"), text)
        }
    }

    private static func hidden(_ value: ConfigValue) -> ConfigValue {
        let content: ConfigValue.Content =
            switch value.content {
            case .null, .boolean: value.content
            case .number: .number(.integer(918_273_645))
            case .string(let text): .string("hidden" + text)
            case .list(let items): .list(items.map(hidden))
            case .map(let map):
                .map(ConfigMap(inOrder: map.entries.map { ConfigMap.Entry($0.key, hidden($0.value)) }))
            }
        return ConfigValue(
            content, origin: ValueOrigin(layer: "fuzz", position: value.origin.position, isSecret: true))
    }
}

/// FNV-1a of what was seen.
struct FeatureHash {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ text: String) {
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
}
