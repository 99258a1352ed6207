import ConfigFixtures
import ConfigValues
import Diagnostics
import JSONSchemas
import Testing

/// The required cases of JSON-Schema-Test-Suite for draft 2020-12, each of which holds.
struct ConformanceTests {
    struct Group: CustomTestStringConvertible, Sendable {
        let suite: String
        let description: String
        let schema: ConfigValue
        let tests: [ConfigValue]

        var testDescription: String { "\(suite): \(description)" }
    }

    private static let file = try? ConformanceCases.read("json-schema-2020-12.json")?.map

    static let groups: [Group] = (file?["suites"]?.map?.entries ?? []).flatMap { suite in
        (suite.value.list ?? []).compactMap { group in
            guard let map = group.map, case .string(let description)? = map["description"]?.content,
                let schema = map["schema"], let tests = map["tests"]?.list
            else { return nil }
            return Group(suite: suite.key, description: description, schema: schema, tests: tests)
        }
    }

    private static let registry = SchemaRegistry(
        (file?["remotes"]?.map?.entries ?? []).map {
            SchemaRegistry.Document(at: "http://localhost:1234/" + $0.key, $0.value)
        })

    @Test(arguments: groups)
    func `the published cases hold`(group: Group) throws {
        var problems: [Diagnostic] = []
        let schema = JSONSchema(group.schema, registry: Self.registry, problems: &problems)
        let compiled = try #require(schema, "\(problems)")
        #expect(problems.filter { $0.severity == .error } == [])
        for test in group.tests {
            let map = try #require(test.map)
            let mistakes = compiled.mistakes(in: try #require(map["data"]))
            #expect(map["valid"]?.content.isTrue == mistakes.isEmpty, "\(map["description"] as Any): \(mistakes)")
            #expect(mistakes.allSatisfy { $0.code == .schemaRefusedValue })
        }
    }

    @Test(.enabled(if: file != nil))
    func `all published cases are there`() {
        #expect(Self.groups.reduce(0) { $0 + $1.tests.count } == 1_299)
    }
}

extension ConfigValue.Content {
    fileprivate var isTrue: Bool { if case .boolean(true) = self { true } else { false } }
}
