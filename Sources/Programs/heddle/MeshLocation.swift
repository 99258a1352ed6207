import AdminAPI
import ArgumentParser
import Glibc
import StateKeeping

/// Which running mesh a command asks.
struct MeshLocation: ParsableArguments {
    @Option(
        help: ArgumentHelp("The admin socket of the running mesh.", valueName: "unix:PATH"),
        transform: AdminAddress.init(argument:))
    var admin: AdminAddress?

    @Option(
        help: ArgumentHelp(
            "The state folder of the running mesh. Default: $HEDDLE_STATE, else /var/lib/heddle for root, else "
                + "$XDG_STATE_HOME/heddle, else ~/.local/state/heddle.", valueName: "dir"))
    var state: String?

    /// Whether it was told which, and does not look where one may be.
    var isNamed: Bool { admin != nil || state != nil }

    var socketPath: String {
        admin?.path ?? "\(StateLocation.folder(option: state))/\(StateFolder.socketName)"
    }

    /// Where nothing was named, a mesh of root's may be meant.
    private var hint: String {
        let rootsFolder = StateLocation.rootsFolder
        guard admin == nil, state == nil, geteuid() != 0, socketPath != "\(rootsFolder)/\(StateFolder.socketName)",
            unsafe access(rootsFolder, F_OK) == 0
        else { return "" }
        return "; root's is at \(rootsFolder), and answers root alone (sudo heddle \u{2026})"
    }

    /// Asks, prints what is answered, and ends as the answer says.
    /// - Parameters:
    ///   - seconds: to wait for the answer; 0: for ever.
    ///   - isChange: Whether more than an answer is wanted.
    ///   - shortening: What to do where the question is too long to be asked.
    func ask(
        _ method: String, _ path: [String], query: [(name: String, value: String)] = [], output: OutputFormat,
        contentType: String? = nil, body: [UInt8] = [], timeout seconds: Int = 30, isChange: Bool = false,
        shortening: String = "shorten it"
    ) throws {
        let query = query + (output == .text ? [(name: "format", value: "text")] : [])
        let byteCount = AdminClient.targetByteCount(path, query: query)
        guard byteCount <= AdminClient.targetByteLimit else {
            throw failure(
                "what is asked takes \(byteCount) bytes, and the admin API of a running mesh takes "
                    + "\(AdminClient.targetByteLimit)\n\(shortening)", code: 2)
        }
        let answer: AdminClient.Answer
        do throws(AdminClient.Unreachable) {
            answer = try AdminClient(path: socketPath).send(
                method, path, query: query, contentType: contentType, body: body, timeout: seconds)
        } catch {
            guard isChange, error.wasAsked else { throw failure("\(error)\n\(error.remedy)\(hint)", code: 3) }
            throw failure(
                "\(error): the change may have been made, all of it or nothing\n"
                    + "start it again and see with `heddle get all` what there is, or look into its manifests folder; "
                    + "what was cut off half-way is taken back when it starts", code: 5)
        }
        Output.write(answer.diagnostics, to: STDERR_FILENO)
        Output.write(answer.output, to: STDOUT_FILENO)
        if answer.exitCode != 0 { throw ExitCode(answer.exitCode) }
    }
}

/// `unix:/run/heddle/admin.sock`.
struct AdminAddress {
    /// Absolute.
    let path: String

    init(argument: String) throws {
        guard argument.hasPrefix("unix:"), argument.utf8.count > 5 else {
            throw ValidationError(
                "write it as unix:\(argument.hasPrefix("unix") || argument.isEmpty ? "PATH" : argument)")
        }
        path = StateLocation.absolute(String(argument.dropFirst(5)))
    }
}
