import SystemInterfaces

extension FileAccess {
    /// Why what is written to a file may not be told to who watches its folder.
    static func soloReason(_ path: String, _ facts: FileFacts) -> WatchedAlone.Reason? {
        guard facts.kind == .file else { return nil }
        if facts.linkCount > 1 { return .severalNames }
        return MountTable.isMountPoint(path) ? .mountPoint : nil
    }
}
