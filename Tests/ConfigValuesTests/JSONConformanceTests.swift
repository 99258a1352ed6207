import ConfigFixtures
import ConfigValues
import Foundation
import Testing

/// Published cases of what a reader of JSON must take and refuse.
struct JSONConformanceTests {
    private struct Case: CustomStringConvertible, Sendable {
        let description: String
        let expectation: String
        let bytes: [UInt8]
    }

    private static func cases() throws -> [Case] {
        guard let file = try ConformanceCases.read("json-cases.json") else { return [] }
        return (file.map?["cases"]?.list ?? []).compactMap { entry in
            guard let name = entry.map?["name"]?.text, let expectation = entry.map?["expect"]?.text,
                let data = entry.map?["json"]?.text.flatMap({ Data(base64Encoded: $0) })
            else { return nil }
            return Case(description: name, expectation: expectation, bytes: Array(data))
        }
    }

    private static let exceptions = ConformanceCases.exceptions().filter { !$0.key.contains("/") }

    private func isTaken(_ bytes: [UInt8]) -> Bool {
        (try? JSONReader.read(bytes.span, of: TextOrigin(layer: "test", file: "test.json"))) != nil
    }

    @Test func `every published case is taken or refused as it must be`() throws {
        for one in try Self.cases() {
            let expected =
                switch one.expectation {
                case "accept": Self.exceptions[one.description] ?? true
                case "reject": Self.exceptions[one.description] ?? false
                default: Self.exceptions[one.description]
                }
            #expect(isTaken(one.bytes) == expected, "\(one)")
        }
    }

    @Test func `what is an exception is a published case, of which they say something else or nothing`() throws {
        let cases = try Self.cases()
        guard !cases.isEmpty else { return }
        #expect(cases.count == 317)
        let open = cases.filter { one in
            switch one.expectation {
            case "accept": Self.exceptions[one.description] == false
            case "reject": Self.exceptions[one.description] == true
            default: true
            }
        }
        #expect(Set(Self.exceptions.keys) == Set(open.map(\.description)))
    }

    @Test func `what is taken is written and read again as the same`() throws {
        let origin = TextOrigin(layer: "test", file: "test.json")
        for one in try Self.cases() {
            guard let value = try? JSONReader.read(one.bytes.span, of: origin) else { continue }
            for style in [ConfigValue.JSONStyle.compact, .pretty] {
                #expect(try JSONReader.read(value.json(style).span, of: origin) == value, "\(one)")
            }
        }
    }
}

extension ConfigValue {
    fileprivate var text: String? {
        if case .string(let text) = content { text } else { nil }
    }
}
