package import Diagnostics

/// Whose text it is that values are read from: what the origins of all of them have in common.
package struct TextOrigin: Sendable, Hashable {
    /// As of `ValueOrigin`.
    package let layer: String
    /// As of `SourcePosition`: a path, or words for where the text is from.
    package let file: String
    /// No diagnostic shows anything of the text but its keys.
    package let isSecret: Bool
    /// As of `ValueOrigin`.
    package let isLiteral: Bool

    package init(layer: String, file: String, isSecret: Bool = false, isLiteral: Bool = false) {
        self.layer = layer
        self.file = file
        self.isSecret = isSecret
        self.isLiteral = isLiteral
    }

    package func position(line: Int, column: Int, length: Int = 0) -> SourcePosition {
        SourcePosition(file: file, line: line, column: column, length: length)
    }

    package func value(_ content: ConfigValue.Content, at position: SourcePosition) -> ConfigValue {
        ConfigValue(
            content,
            origin: ValueOrigin(
                layer: layer, position: position, isSecret: isSecret, isLiteral: isLiteral))
    }
}

/// Why a text says no value: at least one mistake, by position.
package struct InvalidText: Error, Hashable {
    package let diagnostics: [Diagnostic]

    package init(_ diagnostics: [Diagnostic]) {
        precondition(!diagnostics.isEmpty)
        self.diagnostics = diagnostics.sortedByPosition()
    }
}
