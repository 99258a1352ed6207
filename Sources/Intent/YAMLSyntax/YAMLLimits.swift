/// What a YAML file may ask of the process that reads it. Anything above is refused, with a position.
package enum YAMLLimits {
    /// Largest file, in bytes: 4 MiB.
    package static let fileByteCount = 4 << 20
    /// Deepest nesting of lists and mappings in a document: 64.
    package static let depth = 64
    /// Values (scalars, lists, mappings) of one file, those that aliases repeat counted each time: 1,000,000.
    package static let valueCount = 1_000_000
    /// Documents of one file that cannot be read before the rest is left alone: 100.
    package static let brokenDocumentCount = 100
    /// Values that the aliases of one document may repeat, together: 10,000.
    package static let aliasedValueCount = 10_000
}
