/// How much of what configs were is kept.
package struct HistoryLimits: Sendable, Hashable {
    /// Values of one Config; the oldest go first. Default: 100.
    package var valueCount = 100
    /// Of the files of one Config together, in bytes; the oldest go first, and the newest stays. Default: 64 MiB.
    package var byteCount = 64 << 20
    /// Of one value with all that it was made of, in bytes; what is larger is not kept. Default: 16 MiB.
    package var valueByteCount = 16 << 20
    /// Configs that are in the manifests no more and whose values are kept still; those whose last value is the oldest go first.
    /// Default: 10.
    package var goneCount = 10
    /// Values of one Config that wait to be written; of more, the oldest are not kept. Default: 16.
    package var waitingCount = 16

    package init() {}
}
