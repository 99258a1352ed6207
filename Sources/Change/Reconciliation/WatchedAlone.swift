/// A place that is not told of enough by the folders around it: it is watched itself, or looked at again and again.
package struct WatchedAlone: Sendable, Hashable {
    package enum Reason: Sendable, Hashable {
        /// Something is mounted there: who writes to it under its other name is announced there alone.
        case mountPoint
        /// The file has several names, and who writes to it by another is announced in that one's folder.
        case severalNames
        /// A folder that may be entered and not read, or that the kernel does not let be watched.
        case unwatchable(String)
    }

    /// A manifest's, relative to the folder; of anything else, absolute.
    package let path: String
    package let reason: Reason
    /// It cannot be watched, and is looked at every `ReadingTimes.polling`.
    package let isPolled: Bool
}
