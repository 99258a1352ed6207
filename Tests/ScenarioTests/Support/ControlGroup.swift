import Glibc
import TestSupport

/// A control group of version 2, empty and of the test's own.
final class ControlGroup {
    let folder: String
    let path: String

    private static let mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].filter { mount in
        unsafe access("\(mount)/cgroup.controllers", R_OK) == 0 && access("\(mount)/cgroup.procs", W_OK) == 0
    }
    static var canBeMade: Bool { !mounts.isEmpty }

    init() throws {
        path = "/heddle-test-\(UInt32.random(in: .min ... .max))"
        folder = ControlGroup.mounts[0] + path
        guard unsafe mkdir(folder, 0o755) == 0 else { throw SetUpError("mkdir \(folder): errno \(errno)") }
    }

    deinit { unsafe rmdir(folder) }
}
