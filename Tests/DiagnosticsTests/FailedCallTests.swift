import Glibc
import Testing

@testable import Diagnostics

@Test(arguments: [EMFILE, ENFILE, ENOSPC, EDQUOT, EROFS, EIO, ESTALE, ENAMETOOLONG, ELOOP, ENOTDIR, ENOMEM, ENOENT])
func `only what is a matter of permissions is blamed on them`(errno: CInt) {
    for aim in [FailedCall.Aim.read, .write, .readKey] {
        #expect(!FailedCall.remedy(errno, to: aim).contains("let user "))
    }
    #expect(FailedCall.remedy(EACCES, to: .write).hasPrefix("let user \(geteuid()), as whom heddle runs, write it"))
}

@Test func `who may not read a key is never told to open it to others`() {
    let remedy = FailedCall.remedy(EACCES, to: .readKey, "the file")
    #expect(remedy.hasPrefix("let user \(geteuid()), as whom heddle runs, own the file (chown \(geteuid()))"))
}

@Test(arguments: [(EMFILE, "ulimit -n"), (ENFILE, "fs.file-max"), (ENOSPC, "free space"), (EROFS, "mount")])
func `what is used up is named`(errno: CInt, word: String) {
    #expect(FailedCall.remedy(errno, to: .write).contains(word))
    #expect(FailedCall.remedy(errno, to: .read).contains(word))
}
