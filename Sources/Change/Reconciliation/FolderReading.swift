package import Diagnostics

/// One manifest, as it was read.
package struct ManifestSource: Sendable {
    /// Relative to the folder.
    package let path: String
    package let bytes: [UInt8]
    package let hash: ContentHash

    /// Largest file read: 4 MiB.
    package static let byteLimit = 4 * 1024 * 1024

    package init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
        hash = ContentHash(of: bytes)
    }
}

/// The folder at one moment: all of it, whatever changed.
package struct FolderReading: Sendable {
    /// Grows with each reading of one watcher.
    package let sequence: UInt64
    /// Sorted by path.
    package let files: [ManifestSource]
    /// What cannot be read. Not empty: the set is refused.
    package let problems: [Diagnostic]
    /// Files that count as they last were: being written, or vanished a moment ago.
    package let held: Set<String>
    /// Grows when the content of a certificate or key changes.
    package let watchedFilesRevision: UInt64
    package let firstEventAt: ContinuousClock.Instant
    package let mode: WatchMode
    /// What is watched otherwise than by its folder, by path.
    package var watchedAlone: [WatchedAlone] = []
    /// A command of git was changing the folder. Known of a reading that was asked for alone.
    package var isDuringOperation = false
    /// Something happened that has not settled yet: half of a change may be in it. Known as well of such a one alone.
    package var isUnsettled = false
    /// Changes of several files of which half lies in the folder.
    package var halves: Set<UInt64> = []
    package var halfSince: ContinuousClock.Instant?
    /// What a change must find unchanged that is based on this, where an origin counts its changes.
    package var version: Int64 = 0
    /// Made before all was quiet, for the sake of one file that was replaced: it counts only if nothing else happens. A
    /// reading of the same or more follows. `nil`: made when all was quiet.
    package var calm: Calm?
    package var isEarly: Bool { calm != nil }

    package init(
        sequence: UInt64, files: [ManifestSource], problems: [Diagnostic], held: Set<String> = [],
        watchedFilesRevision: UInt64, firstEventAt: ContinuousClock.Instant, mode: WatchMode,
        watchedAlone: [WatchedAlone] = [], halves: Set<UInt64> = [], halfSince: ContinuousClock.Instant? = nil,
        version: Int64 = 0
    ) {
        self.sequence = sequence
        self.files = files
        self.problems = problems
        self.held = held
        self.watchedFilesRevision = watchedFilesRevision
        self.firstEventAt = firstEventAt
        self.mode = mode
        self.watchedAlone = watchedAlone
        self.halves = halves
        self.halfSince = halfSince
        self.version = version
    }

    /// Those of `held` that have never counted: nothing is known of them, not even that they cannot be read.
    package var unknown: Set<String> {
        held.subtracting(files.map(\.path)).subtracting(problems.map(\.position.file))
    }

    /// The same files in the same order give the same hash.
    package static func hash(of files: [ManifestSource]) -> String {
        var names: [UInt8] = []
        names.reserveCapacity(files.count * 64)
        for file in files {
            names += file.path.utf8
            names.append(0)
            names += file.hash.littleEndianBytes
        }
        return ContentHash(of: names).description
    }
}
