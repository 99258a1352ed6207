import ConfigValues
import Diagnostics
import JSONSchemas

func json(_ text: String, file: String = "value.json", isSecret: Bool = false) throws -> ConfigValue {
    try JSONReader.read(Array(text.utf8).span, of: TextOrigin(layer: "test", file: file, isSecret: isSecret))
}

/// A schema that compiles without a word.
func schema(
    _ text: String, at uri: String = "", _ documents: [String: String] = [:], limits: SchemaLimits = SchemaLimits()
) throws -> JSONSchema {
    var problems: [Diagnostic] = []
    let compiled = try JSONSchema(
        json(text, file: "schema.json"), at: uri, registry: registry(documents), limits: limits, problems: &problems)
    guard let compiled, problems.isEmpty else { throw Refusal(lines: problems.map(line)) }
    return compiled
}

/// What is told of a schema, each as `code line:column found, expected`.
func problems(
    _ text: String, at uri: String = "", _ documents: [String: String] = [:], limits: SchemaLimits = SchemaLimits()
) throws -> [String] {
    var problems: [Diagnostic] = []
    let compiled = try JSONSchema(
        json(text, file: "schema.json"), at: uri, registry: registry(documents), limits: limits, problems: &problems)
    guard (compiled == nil) == problems.contains(where: { $0.severity == .error }) else {
        throw Refusal(lines: ["whether it compiles and what is told of it differ"])
    }
    return problems.map(line)
}

/// What is told of a value.
func mistakes(_ value: String, against text: String, isSecret: Bool = false) throws -> [String] {
    try schema(text).mistakes(in: json(value, isSecret: isSecret)).map(line)
}

func registry(_ documents: [String: String]) throws -> SchemaRegistry {
    SchemaRegistry(
        try documents.sorted { $0.key < $1.key }.map {
            try SchemaRegistry.Document(at: $0.key, json($0.value, file: $0.key))
        })
}

private func line(_ diagnostic: Diagnostic) -> String {
    let position = diagnostic.position
    return "\(diagnostic.code.rawValue) \(position.line):\(position.column) \(diagnostic.found), \(diagnostic.expected)"
}

struct Refusal: Error {
    let lines: [String]
}
