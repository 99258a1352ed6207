/// Whether a folder that is there already may be a state folder. Keys are kept in it, and others are shut out of it: what
/// belongs to somebody else, `/tmp` or `/var/lib`, must not become one by a slip of the hand.
struct StateFolderClaim: Equatable {
    /// Written into a folder that was made, or found empty, for this.
    static let marker = "heddle-state"
    /// What a state folder holds.
    private static let ours: Set<String> = [
        marker, "lock", "authority", "generations", "configs", "untold", StateFolder.socketName,
    ]
    /// What makes no folder anybody's: a filesystem of its own has it.
    private static let nobodys: Set<String> = ["lost+found"]

    /// What is in it.
    var entries: Set<String>
    /// Its permissions: `0o700`.
    var permissions: UInt32
    /// Whose it is.
    var owner: UInt32
    /// The user this process runs as.
    var user: UInt32

    private var isOwn: Bool { owner == user }

    enum Verdict: Equatable {
        /// Ours. May be closed to others, if it is open.
        case ours
        /// Nobody's yet: to be marked.
        case free
        /// As earlier versions left it, or with something else of its owner's in it: to be used as it is.
        case used
        /// - Parameter reason: What follows on the folder's name.
        case refused(reason: String)
    }

    var verdict: Verdict {
        if entries.contains(Self.marker) { return isOwn ? .ours : .refused(reason: ofAnother) }
        let others = entries.subtracting(Self.ours).subtracting(Self.nobodys)
        // Earlier versions closed theirs. One that is open is not theirs, whatever they left in it.
        let isClosed = permissions & 0o077 == 0
        let isKnown = entries.contains("lock") && !entries.isDisjoint(with: ["authority", "generations"])
        if isKnown, isClosed, isOwn { return .used }
        if let other = others.min() {
            return .refused(
                reason:
                    "it is not empty and not Heddle's (\"\(other)\" lies there): name a folder that is empty, or none "
                    + "that exists")
        }
        guard isOwn else { return .refused(reason: ofAnother) }
        guard isClosed else {
            let mode = String(permissions, radix: 8)
            return .refused(
                reason: "others may enter it (mode 0\(mode)), and keys will lie in it: chmod 700 it if it is meant, or "
                    + "name a folder that does not exist")
        }
        return .free
    }

    private var ofAnother: String {
        "it belongs to user \(owner), and this process runs as user \(user): start it as that one, give the folder "
            + "to this one (chown -R \(user)), or name another with --state"
    }
}
