/// What a YAML file may ask of the process that reads it. Anything above is refused, with a position.
package struct YAMLLimits: Sendable, Hashable {
    /// Largest file, in bytes. Default: 4 MiB.
    package var fileByteCount = 4 << 20
    /// Deepest nesting of lists and mappings in a document, 256 at most: what reads them calls itself for each level. Default: 64.
    package var depth = 64
    /// Values (scalars, lists, mappings) of one file, those that aliases repeat counted each time. Default: 1,000,000.
    package var valueCount = 1_000_000
    /// Documents of one file that cannot be read before the rest is left alone. Default: 100.
    package var brokenDocumentCount = 100
    /// Values that the aliases of one document may repeat, together. Default: 10,000.
    package var aliasedValueCount = 10_000

    package init() {}

    /// Of a manifest.
    package static let manifest = YAMLLimits()
}

/// What the keys of a file are.
package enum YAMLKeys: Sendable {
    /// Names of fields and labels: none is empty, and two that look alike are one, as they are to Swift.
    case names
    /// Any text, told apart by its bytes.
    case texts
}
