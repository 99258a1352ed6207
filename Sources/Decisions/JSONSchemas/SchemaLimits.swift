/// What a schema may ask of the process that compiles it and holds values against it. Anything above is refused.
package struct SchemaLimits: Sendable, Hashable {
    /// Largest schema with all that it refers to: bytes of keys and strings, and one for each value. Default: 1 MiB.
    package var byteCount = 1 << 20
    /// Subschemas of the same. Default: 10,000.
    package var subschemaCount = 10_000
    /// Characters that all its regular expressions ask for, repetitions written out. Default: 50,000.
    package var expressionPositionCount = 50_000
    /// Deepest nesting of schemas and values, 1 to 256: what compares values calls itself for each level. Default: 64.
    package var depth = 64
    /// Subschemas that are being applied at one time, each within the one before. Default: 10,000.
    package var nestingCount = 10_000
    /// Steps of holding one value against a schema: keywords, keys and items, and bytes that an expression looks at. Default:
    /// 10,000,000.
    package var stepCount = 10_000_000
    /// Mistakes that are told of one schema or value. Default: 20.
    package var mistakeCount = 20

    package init() {}
}
