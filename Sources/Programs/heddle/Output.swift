import ArgumentParser
import Diagnostics
import Glibc

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

/// Standard output and standard error. What cannot be written is lost: a reader that went away wants no more.
enum Output {
    static func write(_ text: String) { write(Array(text.utf8), to: STDOUT_FILENO) }
    static func writeError(_ text: String) { write(Array(text.utf8), to: STDERR_FILENO) }
    static func write(_ value: JSONValue) { write(value.rendered(pretty: true) + "\n") }

    static func write(_ bytes: [UInt8], to descriptor: CInt) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress! + written, buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            written += count
        }
    }
}

/// Says what is wrong on standard error, and ends with a code of this program's.
func failure(_ message: String, code: Int32) -> ExitCode {
    Output.writeError("error: \(message)\n")
    return ExitCode(code)
}
