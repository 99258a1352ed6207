package import Diagnostics

/// Where a value comes from: which of a config's layers gave it, and where that layer has it.
package struct ValueOrigin: Sendable, Hashable {
    /// The name of a ConfigSource as `namespace/name`, or what else a config is made of: `defaults`, `fallbacks`.
    package let layer: String
    /// Of a file its line and column; `SourcePosition.place` of a variable, or of a key and its revision.
    package let position: SourcePosition
    /// It is shown to nobody but who may read it. What is made of it is secret, too.
    package let isSecret: Bool
    /// A text is what it is, whatever it looks like: there are no references in it.
    package let isLiteral: Bool

    package init(layer: String, position: SourcePosition, isSecret: Bool = false, isLiteral: Bool = false) {
        self.layer = layer
        self.position = position
        self.isSecret = isSecret
        self.isLiteral = isLiteral
    }
}
