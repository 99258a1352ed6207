import Glibc
import TestSupport

/// A control group of version 2, empty and of the test's own.
final class ControlGroup {
    let folder: String
    let path: String
    /// What it was made below, which cannot go before it.
    private let root: ControlGroup?

    private static let mounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].filter { mount in
        unsafe access("\(mount)/cgroup.controllers", R_OK) == 0 && access("\(mount)/cgroup.procs", W_OK) == 0
    }
    static var canBeMade: Bool { !mounts.isEmpty }
    /// Where the hierarchy is.
    static var mount: String { mounts[0] }

    convenience init() throws { try self.init("/heddle-test-\(UInt32.random(in: .min ... .max))", below: nil) }

    private init(_ path: String, below root: ControlGroup?) throws {
        self.path = path
        self.root = root
        folder = Self.mount + path
        guard unsafe mkdir(folder, 0o755) == 0 || errno == EEXIST else {
            throw SetUpError("mkdir \(folder): errno \(errno)")
        }
    }

    /// One below it, with all that is between.
    func below(_ path: String) throws -> ControlGroup {
        try path.split(separator: "/").reduce(self) { try ControlGroup("\($0.path)/\($1)", below: $0) }
    }

    /// What starts a program in it.
    var command: [String] { ["sh", "-c", "echo $$ > '\(folder)/cgroup.procs' && exec \"$@\"", "sh"] }

    deinit { unsafe rmdir(folder) }
}
