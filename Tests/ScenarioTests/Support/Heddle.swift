import Glibc
import TestSupport
import Testing

/// What a command that ended left behind.
struct CommandResult {
    let exitCode: Int32
    let output: String
    let diagnostics: String
}

/// The built program, beside the tests.
enum Heddle {
    /// The build puts the program into the folder of the tests' own.
    static let path: String = {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/heddle"
    }()

    /// Shared libraries that it needs, by their paths, and what loads them.
    static func libraries() throws -> [String] {
        let result = try run([], through: ["ldd"])
        return result.output.split(separator: "\n").compactMap { line in
            line.split(separator: " ").first { $0.hasPrefix("/") }.map(String.init)
                ?? line.split(separator: "\t").first.flatMap {
                    $0.hasPrefix("/") ? String($0.prefix { $0 != " " }) : nil
                }
        }
    }

    /// Runs the program to its end, with nothing on standard input.
    /// - Parameters:
    ///   - environment: set besides what this process has.
    ///   - command: what is started instead, and starts the program.
    ///   - name: the program, as `command` finds it.
    ///   - descriptor: its standard output; `nil`: a file, whose text is returned.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], through command: [String] = [],
        as name: String = Heddle.path, outputTo descriptor: CInt? = nil
    ) throws -> CommandResult {
        let output = OutputFile()
        let diagnostics = OutputFile()
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { _ = unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, descriptor ?? output.descriptor, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, diagnostics.descriptor, 2)

        let path = command.first ?? name
        var words: [UnsafeMutablePointer<CChar>?] = unsafe (command + [name] + arguments).map { unsafe strdup($0) }
        unsafe words.append(nil)
        var variables: [UnsafeMutablePointer<CChar>?] = unsafe currentEnvironment().merging(environment) { $1 }
            .map { unsafe strdup("\($0)=\($1)") }
        unsafe variables.append(nil)
        defer {
            for index in unsafe words.indices { unsafe free(words[index]) }
            for index in unsafe variables.indices { unsafe free(variables[index]) }
        }
        var process: pid_t = 0
        let result = unsafe posix_spawnp(&process, path, &actions, nil, words, variables)
        try #require(result == 0, "cannot run \(path): \(unsafe String(cString: strerror(result)))")
        var status: CInt = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        // WIFEXITED and WEXITSTATUS of <sys/wait.h>; a signal counts as in shells.
        let exitCode = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
        return CommandResult(exitCode: exitCode, output: output.text, diagnostics: diagnostics.text)
    }

    /// Runs the program with an output that takes nothing.
    static func runWithFullDisk(_ arguments: [String]) throws -> CommandResult {
        try run(arguments, through: ["sh", "-c", "exec \"$@\" > /dev/full", "sh"])
    }

    /// Runs the program with an output whose reader has gone.
    static func runUnread(_ arguments: [String]) throws -> CommandResult {
        let (reading, writing) = Descriptors.pipe()
        close(reading)
        defer { close(writing) }
        return try run(arguments, outputTo: writing)
    }

    private static func currentEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        var index = 0
        while let entry = unsafe environ[index] {
            let parts = unsafe String(cString: entry).split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { variables[parts[0]] = parts[1] }
            index += 1
        }
        return variables
    }
}

/// A file without a name that takes what a process prints, however much.
private final class OutputFile {
    let descriptor: CInt

    init() {
        var template = Array("/tmp/heddle-output-XXXXXX".utf8CString)
        descriptor = unsafe mkstemp(&template)
        precondition(descriptor >= 0)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = unsafe unlink(template)
    }

    deinit { close(descriptor) }

    var text: String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe pread(descriptor, &buffer, buffer.count, bytes.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }
}

/// A folder of files that goes with its owner.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/heddle-scenario-XXXXXX".utf8CString)
        precondition(unsafe mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    /// Makes a file, and the folders it lies in.
    func write(_ name: String, _ text: String) throws {
        var folder = path
        for part in name.split(separator: "/").dropLast() {
            folder += "/\(part)"
            _ = unsafe mkdir(folder, 0o700)
        }
        let descriptor = unsafe open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        try #require(unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    private static func remove(_ path: String) {
        guard let stream = unsafe opendir(path) else {
            _ = unsafe unlink(path)
            return
        }
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { remove("\(path)/\(name)") }
        }
        unsafe closedir(stream)
        _ = unsafe rmdir(path)
    }
}
