import ArgumentParser
import Diagnostics
import Glibc
import Synchronization

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// How a command prints.
struct OutputOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("How to print: text for people, json for programs.", valueName: "format"))
    var output = OutputFormat.text
}

/// Standard output and standard error. What cannot be written is lost, and `end` says so.
enum Output {
    /// Why some of standard output is lost; 0: nothing is.
    private static let loss = Atomic<CInt>(0)
    /// What was done for good, in words for whoever does not get to read them.
    private static let done = Mutex<String?>(nil)

    static func write(_ text: String) { write(Array(text.utf8), to: STDOUT_FILENO) }
    static func writeError(_ text: String) { write(Array(text.utf8), to: STDERR_FILENO) }
    static func write(_ value: JSONValue) { write(value.rendered(pretty: true) + "\n") }

    /// The command has done what it was to do, whatever becomes of its output.
    static func noteDone(_ what: String) { done.withLock { $0 = what } }

    /// Ends the process. Half an output is no answer: it never ends in 0. Where more was done than to answer, that is no
    /// failure either, and has a code of its own.
    static func end(_ code: Int32) -> Never {
        // Some filesystems tell only now that there was no room.
        if close(STDOUT_FILENO) != 0, errno != EBADF { loss.store(errno, ordering: .relaxed) }
        let reason = loss.load(ordering: .relaxed)
        guard reason != 0 else { exit(code) }
        // A reader that went away wants no more, and no word of it.
        if reason != EPIPE {
            writeError(
                "error: cannot write the output: \(FailedCall.reason(reason))\n"
                    + "\(FailedCall.remedy(reason, to: .write, "the output"))\n")
        }
        guard code == 0 else { exit(code) }
        guard let done = done.withLock({ $0 }) else { exit(1) }
        writeError("\(done)\n")
        exit(4)
    }

    static func write(_ bytes: [UInt8], to descriptor: CInt) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress! + written, buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                if descriptor == STDOUT_FILENO { loss.store(errno, ordering: .relaxed) }
                return
            }
            written += count
        }
    }
}

/// Says what is wrong on standard error, and ends with a code of this program's.
func failure(_ message: String, code: Int32) -> ExitCode {
    Output.writeError("error: \(message)\n")
    return ExitCode(code)
}
