package import ConfigValues
import Diagnostics

/// What must hold of the mistakes that a text of a config is refused for, whatever its format.
package enum TextCheck {
    /// - Returns: A number that stands for what was told.
    package static func feature(of invalid: InvalidText, for input: [UInt8]) -> UInt64 {
        let lineCount = 1 + input.count { $0 == 0x0A || $0 == 0x0D }
        var feature: UInt64 = 0xCBF2_9CE4_8422_2325
        var previous: SourcePosition?
        precondition(invalid.diagnostics.count <= 101)
        for diagnostic in invalid.diagnostics {
            let position = diagnostic.position
            precondition((1...lineCount).contains(position.line) && position.column >= 1 && position.length >= 0)
            precondition(position.column <= input.count + 1)
            precondition(previous.map { !(position < $0) } ?? true)
            previous = position
            for byte in Array(diagnostic.code.rawValue.utf8) + diagnostic.expected.utf8.prefix(24) {
                feature = (feature ^ UInt64(byte)) &* 0x100_0000_01B3
            }
        }
        if invalid.diagnostics.count < 20 {
            let source = SourceText(input)
            for diagnostic in invalid.diagnostics { precondition(!diagnostic.rendered(in: source).isEmpty) }
        }
        return feature
    }
}
