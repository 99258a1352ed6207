import Glibc
import TestSupport

/// A process that a test started. It is ended, by its own id, when the last reference goes.
final class ChildProcess: @unchecked Sendable {
    // SAFETY: `@unchecked Sendable`: one test at a time uses it.
    let id: pid_t
    private let outputFile: String
    private let errorFile: String
    private var status: Exit?

    enum Exit: Equatable {
        case code(Int)
        case signal(Int)
    }

    /// - Parameters:
    ///   - folder: Where what it prints is kept.
    ///   - input: What it reads.
    ///   - outputTo: Its standard output instead of a file.
    ///   - errorsTo: Its standard error instead of a file.
    init(
        _ program: String, _ arguments: [String], folder: String, input: String = "/dev/null", outputTo: CInt? = nil,
        errorsTo: CInt? = nil
    ) throws {
        let number = UInt32.random(in: .min ... .max)
        outputFile = "\(folder)/output-\(number)"
        errorFile = "\(folder)/errors-\(number)"
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, outputFile, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, errorFile, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        if let outputTo { unsafe posix_spawn_file_actions_adddup2(&actions, outputTo, 1) }
        if let errorsTo { unsafe posix_spawn_file_actions_adddup2(&actions, errorsTo, 2) }
        // Sockets of the tests that run beside this one would stay open as long as the process.
        for name in Files.names(in: "/proc/self/fd") {
            if let descriptor = CInt(name), descriptor > 2 {
                unsafe posix_spawn_file_actions_addclose(&actions, descriptor)
            }
        }
        // The threads that tests run on keep signals from themselves; what they start is to hear them.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe words.indices { unsafe free(words[index]) } }
        var id: pid_t = 0
        let error = unsafe posix_spawnp(&id, program, &actions, &attributes, &words, environ)
        guard error == 0 else { throw SetUpError("cannot start \(program): errno \(error)") }
        self.id = id
    }

    deinit {
        guard exit() == nil else { return }
        send(SIGKILL)
        _ = waitForExit()
    }

    func send(_ signal: CInt) { if status == nil { Glibc.kill(id, signal) } }

    /// How it ended, if it has.
    func exit() -> Exit? { reap(WNOHANG) }

    /// How it ended; `nil` if it is still there after a minute.
    func waitForExit() -> Exit? {
        Poll.until { self.exit() != nil }
        return exit()
    }

    private func reap(_ options: CInt) -> Exit? {
        if let status { return status }
        var raw: CInt = 0
        guard unsafe waitpid(id, &raw, options) == id else { return nil }
        status = raw & 0x7F == 0 ? .code(Int(raw >> 8) & 0xFF) : .signal(Int(raw & 0x7F))
        return status
    }

    /// What it has written to its standard output until now.
    var output: String { Files.text(outputFile) }
    var errors: String { Files.text(errorFile) }

    /// Processor time it has used, in clock ticks (100 a second).
    var processorTicks: Int {
        let fields = Files.text("/proc/\(id)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12 else { return 0 }
        return (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)
    }
}
