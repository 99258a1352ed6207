import Diagnostics

/// What a change left beside manifests that no record tells of: the record was lost with its state folder, or lies in another,
/// of a process that used this one before or shares the manifests.
struct UnrecordedChange: Hashable {
    let change: UInt64
    /// One of the files, in full.
    let example: String
    let fileCount: Int
    /// Some of its steps were done, others not.
    let isHalf: Bool

    /// - Parameters:
    ///   - folder: A manifests folder, without links.
    ///   - known: Changes that there is a record of.
    static func found(in folder: String, except known: Set<UInt64>) -> [UnrecordedChange] {
        found(in: FolderListing(of: folder) { _, _ in }, except: known)
    }

    static func found(in listing: FolderListing, except known: Set<UInt64> = []) -> [UnrecordedChange] {
        var companions: [UInt64: [(place: String, ChangeRecord.Companion)]] = [:]
        for (place, found) in listing.companions.sorted(by: { $0.key < $1.key }) {
            for companion in found where !known.contains(companion.change) {
                companions[companion.change, default: []].append((place, companion))
            }
        }
        return companions.sorted { $0.key < $1.key }.map { change, found in
            UnrecordedChange(
                change: change, example: "\(found[0].place)/\(found[0].1.name)", fileCount: found.count,
                isHalf: WaitingDrafts.isHalf(found.lazy.filter(\.1.isDraft).map(\.1.step)))
        }
    }

    private var files: String {
        let others = fileCount - 1
        return others > 0
            ? "this file and \(others) \(others == 1 ? "other" : "others") of it lie" : "this file of it lies"
    }

    private var allOfIt: String { "those named \(ChangeRecord.Companion.prefix(of: change))*" }

    private static let wholeOrNothing = "all of the change, or nothing of it"
    private static let suffixes = ".old is what one was, .new what it was to be"

    var diagnostic: Diagnostic {
        guard isHalf else {
            return leftBehind(
                found: "what is left of a change that no record here tells of: \(files) beside manifests",
                remedy: "remove \(allOfIt), unless another process is changing the folder now")
        }
        return Diagnostic(
            .interrupted, at: .place(example),
            found: "half of a change that was cut off, and no record of it: \(files) beside manifests",
            expected: Self.wholeOrNothing,
            remedy:
                "start the node again that made it, if another shares this folder, or start with the state folder that was used "
                + "when it was made; or make the manifests what they shall be (\(Self.suffixes)), then remove \(allOfIt)"
        )
    }

    /// Where many lie there, for this one and those after it.
    func diagnostic(ofSoManyMore count: Int) -> Diagnostic {
        leftBehind(
            found: "what is left of \(count) more \(count == 1 ? "change" : "changes")",
            remedy:
                "remove what is named \(ChangeRecord.Companion.namePrefix)*, unless another process is changing the folder now"
        )
    }

    /// As who has no state folder says it: a record may tell of it, and a mesh that has that take it back.
    var warning: Diagnostic {
        guard isHalf else {
            return leftBehind(
                found: "what is left of a change: \(files) beside manifests",
                remedy:
                    "start heddle, which clears its own away; or remove \(allOfIt), unless a process is changing the folder now"
            )
        }
        return Diagnostic(
            .interrupted, .warning, at: .place(example),
            found: "half of a change, which is being made now or was cut off: \(files) beside manifests",
            expected: Self.wholeOrNothing,
            remedy:
                "start heddle with the state folder that was used when it was made: it takes it back, and with another refuses "
                + "the folder; or make the manifests what they shall be (\(Self.suffixes)), then remove \(allOfIt)")
    }

    private func leftBehind(found: String, remedy: String) -> Diagnostic {
        Diagnostic(
            .leftBehind, .warning, at: .place(example), found: found, expected: "nothing: none of it was done, or all",
            remedy: remedy)
    }
}
