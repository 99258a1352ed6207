import ConfigValues
import Diagnostics
import FuzzKit
import TextChecks

// Whatever the bytes are: no trap, no hang, positions within the text. What is read is written and read again as the same, and
// the difference to nothing makes it.

FuzzLoop.explore(
    name: "json",
    dictionary: [
        "{\"a\":", "\"a\":", "}", "[", "]", ",", ":", "\"", "\\\"", "\\\\", "\\u00e9", "\\ud83e\\uddf6", "\\ud83e",
        "true", "false",
        "null", "-0", "1e308", "1e400", "-1.5E-7", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "0.1",
        "\r\n", "\u{FEFF}", "\u{E9}", "e\u{301}", "\u{1F9F6}",
    ]
) { input in
    let origin = TextOrigin(layer: "fuzz", file: "fuzz.json")
    do throws(InvalidText) {
        let value = try JSONReader.read(input.span, of: origin)
        for style in [ConfigValue.JSONStyle.compact, .pretty] {
            let again = try JSONReader.read(value.json(style).span, of: origin)
            precondition(again == value && again.json() == value.json())
        }
        let empty = origin.value(.null, at: .place("fuzz"))
        for (old, new) in [(empty, value), (value, empty)] {
            let patch = JSONPatch(from: old, to: new)
            precondition((try? patch.applied(to: old)) == new)
        }
        return UInt64(min(input.count, 64)) &* 31 &+ UInt64(value.typeName.utf8.count)
    } catch {
        return TextCheck.feature(of: error, for: input)
    }
}
