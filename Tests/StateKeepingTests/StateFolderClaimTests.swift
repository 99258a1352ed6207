import Testing

@testable import StateKeeping

/// Which folder may be a state folder.
struct StateFolderClaimTests {
    private func claim(_ entries: Set<String>, _ permissions: UInt32 = 0o700, owner: UInt32 = 7)
        -> StateFolderClaim.Verdict
    {
        StateFolderClaim(entries: entries, permissions: permissions, owner: owner, user: 7).verdict
    }

    private func isRefused(_ verdict: StateFolderClaim.Verdict, _ words: String) -> Bool {
        guard case .refused(let reason) = verdict else { return false }
        return reason.contains(words)
    }

    @Test func `one with our mark is ours, whatever else lies there, if it is this user's`() {
        #expect(claim([StateFolderClaim.marker]) == .ours)
        #expect(claim([StateFolderClaim.marker, "notes"], 0o755) == .ours)
        #expect(isRefused(claim([StateFolderClaim.marker], owner: 8), "belongs to user 8"))
    }

    @Test func `an empty one is free, and so is a filesystem of its own, unless others may enter it`() {
        #expect(claim([]) == .free)
        #expect(claim(["lost+found"]) == .free)
        #expect(isRefused(claim([], 0o755), "others may enter it (mode 0755)"))
        #expect(isRefused(claim([], owner: 8), "belongs to user 8"))
    }

    @Test func `what earlier versions left is used as it is, if it is closed`() {
        #expect(claim(["lock", "authority"]) == .used)
        #expect(claim(["lock", "generations", "notes"]) == .used)
        #expect(isRefused(claim(["lock", "authority", "notes"], 0o755), "\"notes\" lies there"))
        #expect(isRefused(claim(["lock", "authority"], owner: 8), "belongs to user 8"))
    }

    @Test func `one where something else lies is nobody's to take`() {
        #expect(isRefused(claim(["passwd", "shadow"]), "\"passwd\" lies there"))
        #expect(isRefused(claim(["lock", "passwd"]), "\"passwd\" lies there"))
    }
}
