import ConfigFixtures
import ConfigFormats
import ConfigValues
import Diagnostics
import Foundation
import Testing

/// Published cases of TOML 1.0.
struct TOMLConformanceTests {
    private struct Case: CustomStringConvertible {
        let description: String
        let bytes: [UInt8]
        /// What it says, each scalar as `{"type": …, "value": …}`.
        let tagged: ConfigValue?
    }

    private static func cases(_ list: String) throws -> [Case] {
        guard let file = try ConformanceCases.read("toml-1.0-cases.json") else { return [] }
        return (file.map?[list]?.list ?? []).compactMap { entry in
            guard let name = entry.map?["name"]?.text,
                let data = entry.map?["toml"]?.text.flatMap({ Data(base64Encoded: $0) })
            else { return nil }
            return Case(description: name, bytes: Array(data), tagged: entry.map?["json"])
        }
    }

    /// What TOML allows and no config holds: `nan` and `inf`.
    private static let refused = ConformanceCases.exceptions().filter { $0.key.contains("/") && !$0.value }.map(\.key)

    private func read(_ bytes: [UInt8]) throws(InvalidText) -> ConfigValue {
        try ConfigFormat.toml.read(bytes, of: TextOrigin(layer: "test", file: "test.toml"))
    }

    @Test func `every published text says what it must`() throws {
        let cases = try Self.cases("valid")
        var compared = 0
        for one in cases {
            let tagged = try #require(one.tagged)
            guard !Self.refused.contains(one.description) else {
                do throws(InvalidText) {
                    _ = try read(one.bytes)
                    Issue.record("\(one) was taken")
                } catch {
                    #expect(Set(error.diagnostics.map(\.code)) == [.formatNumber], "\(one)")
                }
                continue
            }
            let value = try read(one.bytes)
            let expected = try Self.plain(tagged)
            #expect(value == expected, "\(one): \(String(decoding: value.json(), as: UTF8.self))")
            #expect(try read(ConfigFormat.toml.write(value)) == value, "\(one), written")
            compared += 1
        }
        guard !cases.isEmpty else { return }
        #expect(cases.count == 210 && compared == cases.count - Self.refused.count && !Self.refused.isEmpty)
    }

    @Test func `every published text that is no TOML is refused, with a place in it`() throws {
        let cases = try Self.cases("invalid")
        #expect(cases.isEmpty || cases.count == 499)
        for one in cases {
            let lineCount = 1 + one.bytes.count { $0 == 0x0A || $0 == 0x0D }
            do throws(InvalidText) {
                _ = try read(one.bytes)
                Issue.record("\(one) was taken")
            } catch {
                for diagnostic in error.diagnostics {
                    #expect((1...lineCount).contains(diagnostic.position.line), "\(one): \(diagnostic)")
                    #expect(diagnostic.position.column >= 1)
                }
            }
        }
    }

    /// A tagged value, as a config has it.
    private static func plain(_ tagged: ConfigValue) throws -> ConfigValue {
        var value = tagged
        switch tagged.content {
        case .list(let items): value.content = .list(try items.map(plain))
        case .map(let map):
            if map.count == 2, let type = map["type"]?.text, let text = map["value"]?.text {
                value.content = try content(type, text)
            } else {
                var inner = ConfigMap()
                for entry in map.entries { inner[entry.key] = try plain(entry.value) }
                value.content = .map(inner)
            }
        default: break
        }
        return value
    }

    private static func content(_ type: String, _ text: String) throws -> ConfigValue.Content {
        switch type {
        case "integer": .number(.integer(try #require(Int64(text))))
        case "float": .number(ConfigNumber(try #require(Double(text))))
        case "bool": .boolean(text == "true")
        case "datetime", "datetime-local", "time-local", "date-local": .string(time(text))
        default: .string(text)
        }
    }

    /// Zeros at the end of a second's fraction say nothing.
    private static func time(_ text: String) -> String {
        guard let dot = text.firstIndex(of: ".") else { return text }
        let rest = text[text.index(after: dot)...].drop { $0.isNumber }
        var fraction = text[dot..<rest.startIndex]
        while fraction.last == "0" { fraction.removeLast() }
        return String(text[..<dot] + (fraction == "." ? "" : fraction) + rest)
    }
}

extension ConfigValue {
    fileprivate var text: String? {
        if case .string(let text) = content { text } else { nil }
    }
}
