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

    /// What RFC 8259 allows, and a config does not have: names that stand twice (§ 4: "SHOULD be unique").
    private static let refused = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"]

    /// What RFC 8259 leaves to the reader, one by one.
    private static let choices: [String: Bool] = [
        // So near to 0 that 0 is the nearest fraction of 64 bits.
        "i_number_double_huge_neg_exp.json": true,
        "i_number_real_underflow.json": true,
        // Fractions that overflow, and whole numbers beyond 64 bits: no value is near them.
        "i_number_huge_exp.json": false,
        "i_number_neg_int_huge_exp.json": false,
        "i_number_pos_double_huge_exp.json": false,
        "i_number_real_neg_overflow.json": false,
        "i_number_real_pos_overflow.json": false,
        "i_number_too_big_neg_int.json": false,
        "i_number_too_big_pos_int.json": false,
        "i_number_very_big_negative_int.json": false,
        // Halves of surrogate pairs: no text of Unicode has them.
        "i_object_key_lone_2nd_surrogate.json": false,
        "i_string_1st_surrogate_but_2nd_missing.json": false,
        "i_string_1st_valid_surrogate_2nd_invalid.json": false,
        "i_string_incomplete_surrogate_and_escape_valid.json": false,
        "i_string_incomplete_surrogate_pair.json": false,
        "i_string_incomplete_surrogates_escape_valid.json": false,
        "i_string_invalid_lonely_surrogate.json": false,
        "i_string_invalid_surrogate.json": false,
        "i_string_inverted_surrogates_U+1D11E.json": false,
        "i_string_lone_second_surrogate.json": false,
        // What is not UTF-8.
        "i_string_UTF-16LE_with_BOM.json": false,
        "i_string_UTF-8_invalid_sequence.json": false,
        "i_string_UTF8_surrogate_U+D800.json": false,
        "i_string_invalid_utf-8.json": false,
        "i_string_iso_latin_1.json": false,
        "i_string_lone_utf8_continuation_byte.json": false,
        "i_string_not_in_unicode_range.json": false,
        "i_string_overlong_sequence_2_bytes.json": false,
        "i_string_overlong_sequence_6_bytes.json": false,
        "i_string_overlong_sequence_6_bytes_null.json": false,
        "i_string_truncated-utf-8.json": false,
        "i_string_utf16BE_no_BOM.json": false,
        "i_string_utf16LE_no_BOM.json": false,
        // Deeper than 64 levels.
        "i_structure_500_nested_arrays.json": false,
        // A byte order mark.
        "i_structure_UTF-8_BOM_empty_object.json": false,
    ]

    private func isTaken(_ bytes: [UInt8]) -> Bool {
        (try? JSONReader.read(bytes.span, of: TextOrigin(layer: "test", file: "test.json"))) != nil
    }

    @Test func `every published case is taken or refused as it must be`() throws {
        for one in try Self.cases() {
            let expected =
                switch one.expectation {
                case "accept": !Self.refused.contains(one.description)
                case "reject": false
                default: Self.choices[one.description]
                }
            #expect(isTaken(one.bytes) == expected, "\(one)")
        }
    }

    @Test func `the list of choices names published cases alone`() throws {
        let cases = try Self.cases()
        guard !cases.isEmpty else { return }
        let open = Set(cases.filter { $0.expectation == "either" }.map(\.description))
        #expect(Set(Self.choices.keys) == open)
        #expect(cases.count > 300)
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
