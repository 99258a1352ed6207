import Glibc

/// The process of a program that is kept. It is in this one's group of processes, and so has its terminal.
struct ProgramProcess {
    /// Why it cannot be started.
    struct Failure: Error {
        let errno: CInt
    }

    let pid: pid_t

    /// - Parameters:
    ///   - words: Its name, which is looked for in this process's PATH unless it is a path, and its arguments.
    ///   - environment: `NAME=value`
    ///   - defaults: Signals that this process ignores, and it does not.
    ///   - mask: Signals that it keeps from itself.
    init(_ words: [[UInt8]], environment: [[UInt8]], defaults: [CInt], mask: sigset_t) throws(Failure) {
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for number in defaults { unsafe sigaddset(&signals, number) }
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        var mask = mask
        unsafe posix_spawnattr_setsigmask(&attributes, &mask)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        func start(_ words: [[UInt8]]) -> CInt {
            var texts = unsafe words.map(Self.copy) + [nil]
            var variables = unsafe environment.map(Self.copy) + [nil]
            defer {
                while let text = unsafe texts.popLast() { unsafe free(text) }
                while let variable = unsafe variables.popLast() { unsafe free(variable) }
            }
            guard let name = unsafe texts[0] else { return ENOENT }
            return unsafe posix_spawnp(&child, name, nil, &attributes, &texts, &variables)
        }
        var child: pid_t = 0
        var result = start(words)
        // A script that does not say what runs it is the shell's: for execvp(3), for whoever typed it, but not for posix_spawn(3).
        if result == ENOEXEC, let name = words.first, name.contains(UInt8(ascii: "/")) {
            result = start([Array("/bin/sh".utf8), name] + words.dropFirst())
        }
        guard result == 0 else { throw Failure(errno: result) }
        pid = child
    }

    private static func copy(_ bytes: [UInt8]) -> UnsafeMutablePointer<CChar>? {
        unsafe (bytes + [0]).withUnsafeBytes { buffer in
            unsafe strdup(buffer.baseAddress!.assumingMemoryBound(to: CChar.self))
        }
    }

    /// - Returns: How it ended; `nil`: it runs.
    func end() -> ProgramEnd? {
        var status: CInt = 0
        while true {
            let result = unsafe waitpid(pid, &status, WNOHANG)
            if result < 0, errno == EINTR { continue }
            // Nobody else waits for it: without it there is nothing to wait for.
            if result < 0 { return .code(1) }
            guard result == pid else { return nil }
            return status & 0x7F == 0 ? .code(status >> 8 & 0xFF) : .signal(status & 0x7F)
        }
    }
}
