import ConfigFormats
import FuzzKit
import TextChecks

// Whatever the bytes are: no trap, no hang, positions within the text, and no more values and levels than there may be, in
// Swift and in C++. What is read is written and read again as the same.

FuzzLoop.explore(
    name: "toml",
    dictionary: [
        "a = ", "[a]\n", "[[a]]\n", "a.b.c", "\"a\".'b'", "{a = 1}", "[1, ", "]", "}", "\"\"\"", "'''", "\"", "'",
        "\\u00e9", "\\U0001F9F6",
        "\\\n", "#", "true", "inf", "-nan", "0x1F", "0o17", "0b1", "1_000", "1e400", "9223372036854775808", "0.1",
        "1979-05-27T07:32:00.999999-07:00", "1979-05-27", "07:32:00", "\r\n", "\u{FEFF}", "\u{E9}", "e\u{301}",
        "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a", "[[[[[[[[[[[[[[[[",
    ]
) { input in
    TextCheck.roundTrip(input, as: .toml)
}
