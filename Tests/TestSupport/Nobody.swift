import Glibc

/// Whom permissions apply to, for tests that run as root.
package enum Nobody {
    /// Runs the body with the file permissions of nobody: on this thread alone, and on those that it starts.
    package static func run<Value>(_ body: () throws -> Value) rethrows -> Value {
        guard geteuid() == 0 else { return try body() }
        // From <sys/fsuid.h>, which Glibc's module leaves out.
        typealias SetFSUID = @convention(c) (uid_t) -> CInt
        let setfsuid = unsafe unsafeBitCast(dlsym(nil, "setfsuid")!, to: SetFSUID.self)
        _ = setfsuid(65534)
        defer { _ = setfsuid(0) }
        return try body()
    }
}
