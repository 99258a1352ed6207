package import Diagnostics

/// Where manifests come from. The reconciler asks for sets, takes them up or not, and knows no more of it.
package protocol ManifestOrigin: Sendable {
    /// Whole readings, whenever something changed or one was asked for. Only the newest is kept for a consumer that is busy. Ends
    /// with `stop`.
    var readings: AsyncStream<FolderReading> { get }

    /// How what it holds is changed; `nil`: it is a folder, where files are edited one by one, each change written down first.
    var replacing: (any SetReplacing)? { get }

    /// Reads everything now, for who asks alone.
    /// - Parameter edited: What this process has just tried to change. What was read before counts no more, so that a reading
    ///   follows in any case.
    /// - Returns: `nil` once stopped: no reading is made any more.
    func readNow(after edited: EditedFiles?) async -> FolderReading?

    /// Asks for a reading of everything, which then comes with `readings`.
    func rescan(after delay: Duration)

    /// Watches these files too; they replace those of the last call. A change after this returns does not go unseen.
    /// - Parameter paths: Absolute, or relative to the folder that manifests' paths begin at.
    func watch(files paths: Set<String>) async

    /// Whether a set that an earlier run has kept may serve while nothing better is to be had.
    /// - Returns: Why not.
    func objection(toKept files: [ManifestSource]) async -> Diagnostic?

    /// Ends `readings`.
    func stop()
}

/// A place where a set is put as a whole, and all see it or nothing of it.
package protocol SetReplacing: Sendable {
    /// Puts a set in the place of the one that a reading showed.
    /// - Throws: Why it cannot be put there; what is there is as it was.
    func replace(_ reading: FolderReading, with files: [ManifestSource]) async throws(Rejection)

    /// What `replace` would refuse, without any trace.
    func rehearse(_ reading: FolderReading, with files: [ManifestSource]) async throws(Rejection)
}

extension FolderWatcher: ManifestOrigin {
    package var replacing: (any SetReplacing)? { nil }

    package func objection(toKept files: [ManifestSource]) async -> Diagnostic? { nil }
}

extension ManifestOrigin {
    func readNow() async -> FolderReading? { await readNow(after: nil) }
    func rescan() { rescan(after: .zero) }
}
