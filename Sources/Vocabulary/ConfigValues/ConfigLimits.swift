/// What the text of a config may ask of the process that reads it, in whatever format. Anything above is refused, with a position.
package struct ConfigLimits: Sendable, Hashable {
    /// Largest text, in bytes. Default: 8 MiB.
    package var byteCount = 8 << 20
    /// Deepest nesting of lists and maps, 1 to 256: what reads them calls itself for each level. Default: 64.
    package var depth = 64
    /// Values (scalars, lists, maps) of one text. Default: 200,000.
    package var valueCount = 200_000
    /// Mistakes of one text that are told. Default: 100.
    package var problemCount = 100

    package init() {}
}
