import ConfigFormats
import FuzzKit
import TextChecks

// Whatever the bytes are: no trap, no hang, positions within the text. What is read is written and read again as the same.

FuzzLoop.explore(
    name: "dotenv",
    dictionary: [
        "KEY=", "export ", "A = ", "='", "=\"", "'", "\"", "\\n", "\\\"", "\\$", "\\`", "\\\\", " # ", "#", "$HOME",
        "`id`", "\r\n", "\r",
        "\t", "\u{FEFF}", "\u{E9}", "\u{85}",
    ]
) { input in
    TextCheck.roundTrip(input, as: .dotenv)
}
