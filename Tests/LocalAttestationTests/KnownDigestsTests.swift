import Testing

@testable import LocalAttestation
@testable import SystemInterfaces

/// Which files nobody changes unseen.
struct KnownDigestsTests {
    private static func isOutOfReach(_ owner: UInt32, _ permissions: UInt32) -> Bool {
        KnownDigests.isOutOfReach(FileOwnership(owner: owner, group: 7, permissions: permissions), of: 990)
    }

    @Test func `a file is out of reach if root or this user owns it, and nobody else may write to it`() {
        for owner in [0, 990] as [UInt32] {
            #expect(Self.isOutOfReach(owner, 0o755))
            #expect(Self.isOutOfReach(owner, 0o4511))
            for permissions in [0o775, 0o757, 0o777, 0o720] as [UInt32] {
                #expect(!Self.isOutOfReach(owner, permissions))
            }
        }
        for owner in [1, 4001, 65_534] as [UInt32] { #expect(!Self.isOutOfReach(owner, 0o555)) }
    }

    @Test func `times tell of changes on a disk that no user can have mounted`() {
        #expect(KnownDigests.isTelling(Filesystem(kind: 0xEF53, ignoresSetuid: false)))
        #expect(!KnownDigests.isTelling(Filesystem(kind: 0xEF53, ignoresSetuid: true)))
        // tmpfs, overlayfs, FUSE, NFS.
        for kind in [0x0102_1994, 0x794C_7630, 0x6573_5546, 0x6969] as [UInt32] {
            #expect(!KnownDigests.isTelling(Filesystem(kind: kind, ignoresSetuid: false)))
        }
    }
}
