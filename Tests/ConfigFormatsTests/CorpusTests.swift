import ConfigFormats
import ConfigValues
import Diagnostics
import FuzzKit
import Testing
import TextChecks

/// Inputs that fuzzing begins with, and those that once broke a reader.
struct CorpusTests {
    private static func inputs(_ name: String) -> [String] {
        Files.list(Files.fuzzingFolder + "/Corpus/" + name) + Files.list(Files.fuzzingFolder + "/Crashers/" + name)
    }

    @Test(arguments: [
        ("json", ConfigFormat.json), ("toml", .toml), ("dotenv", .dotenv), ("yaml", .yaml),
    ])
    func `every input is refused with a place, or written and read again as the same`(
        name: String, format: ConfigFormat
    ) throws {
        let inputs = Self.inputs(name)
        #expect(inputs.count >= 12)
        for path in inputs {
            let bytes = try #require(Files.read(path))
            // Traps where something does not hold.
            _ = TextCheck.roundTrip(bytes, as: format)
        }
    }

    /// What each seed is there for.
    @Test(
        arguments: [
            ("json/nested.json", nil), ("json/too-deep.json", "format.too-deep"),
            ("json/duplicates.json", "format.duplicate-key"),
            ("json/numbers-that-fit-nowhere.json", "format.number"), ("json/bom.json", "format.encoding"),
            ("json/nul.json", "format.json"),
            ("toml/tables.toml", nil), ("toml/strings.toml", nil), ("toml/times.toml", nil),
            ("toml/dots-in-string.toml", nil),
            ("toml/dots.toml", "format.too-deep"), ("toml/brackets.toml", "format.too-deep"),
            ("toml/braces.toml", "format.too-deep"),
            ("toml/numbers-that-fit-nowhere.toml", "format.number"), ("toml/overflow.toml", "format.number"),
            ("toml/too-large-number.toml", "format.number"), ("toml/closed-table.toml", "format.duplicate-key"),
            ("toml/duplicate-table.toml", "format.duplicate-key"), ("toml/open-array.toml", "format.toml"),
            ("dotenv/plain.env", nil), ("dotenv/quotes.env", nil), ("dotenv/duplicates.env", "format.duplicate-key"),
            ("dotenv/bad-keys.env", "format.dotenv"), ("dotenv/crlf-bom.env", nil),
        ] as [(String, String?)])
    func `seeds are what they are called`(name: String, code: String?) throws {
        let bytes = try #require(Files.read(Files.fuzzingFolder + "/Corpus/" + name))
        let format = try #require(ConfigFormat(fileName: name))
        do throws(InvalidText) {
            _ = try format.read(bytes, of: TextOrigin(layer: "test", file: name))
            #expect(code == nil)
        } catch {
            #expect(Set(error.diagnostics.map(\.code.rawValue)) == Set([code].compactMap(\.self)))
        }
    }
}
