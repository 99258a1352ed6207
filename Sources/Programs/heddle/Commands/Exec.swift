import AdminAPI
import ArgumentParser
import Diagnostics
import Glibc
import Manifests

struct Exec: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start a program as a workload.",
        discussion: """
            Asks the mesh of this host to take this process for a workload's, and becomes the program: signals, the terminal and the exit \
            code are the program's own. What it starts is the workload, too, and is killed if it is left when the program ends; where there are no control groups the \
            program alone is the workload, and a warning says so.

            The program finds http_proxy, no_proxy (in capitals, too), HEDDLE_WORKLOAD and HEDDLE_SOCKET in its environment. Ends in 1 if it may not be the workload, in \
            3 if no mesh answers, in 126 or 127 if the program cannot be started.
            """)

    @Option(name: .customLong("as"), help: ArgumentHelp("Whom it is.", valueName: "namespace/workload"))
    var workload: String

    @Option(
        help: ArgumentHelp(
            "The workload socket. Default: $HEDDLE_SOCKET, else /run/heddle/workload.sock.", valueName: "unix:PATH"),
        transform: AdminAddress.init(argument:))
    var socket: AdminAddress?

    @Argument(
        parsing: .captureForPassthrough, help: ArgumentHelp("The program and its arguments.", valueName: "command"))
    var command: [String] = []

    /// Where the program's own words begin, which are nobody else's to read.
    static func programStart(in arguments: [String]) -> Int? {
        guard arguments.first == "exec" else { return nil }
        var index = 1
        while index < arguments.count {
            let word = arguments[index]
            if word == "--" { return index + 1 }
            guard word.hasPrefix("-") else { return index }
            index += ["--as", "--socket"].contains(word) ? 2 : 1
        }
        return arguments.count
    }

    func run() throws {
        let arguments = CommandArguments.all
        guard let start = Self.programStart(in: arguments), start < arguments.count, !arguments[start].isEmpty else {
            throw failure("there is no program to start: name it after the options", code: 2)
        }
        let path = StateLocation.absolute(socket?.path ?? Self.pathOfEnvironment ?? Mesh.defaultWorkloadSocket)
        let answer: AdminClient.Answer
        do throws(AdminClient.Unreachable) {
            answer = try AdminClient(path: path).send(
                "POST", ["v1", "exec"], query: [(name: "as", value: workload), (name: "format", value: "text")])
        } catch {
            throw failure(
                "\(error)\nname the workload socket of the mesh with --socket, and see with `heddle status` whether it is there",
                code: 3)
        }
        Output.write(answer.diagnostics, to: STDERR_FILENO)
        guard answer.status == 200 else { throw ExitCode(answer.exitCode) }
        for name in ["http_proxy", "HTTP_PROXY"] { unsafe unsetenv(name) }
        unsafe setenv("HEDDLE_SOCKET", path, 1)
        for (name, value) in Self.variables(in: String(decoding: answer.output, as: UTF8.self)) {
            unsafe setenv(name, value, 1)
        }
        Self.takeOverProxies()
        try become(arguments[start], start)
    }

    /// What a mesh has to say to a program, and nothing else: whoever answers at the socket may be another than the mesh, and some
    /// variables are orders (LD_PRELOAD, PATH).
    private static func variables(in answer: String) -> [(name: String, value: String)] {
        answer.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { return nil }
            let isWanted = parts[0] == "HEDDLE_WORKLOAD" || parts[0] == "http_proxy" && parts[1].hasPrefix("http://")
            return isWanted ? (parts[0], parts[1]) : nil
        }
    }

    /// Some programs ask for the one spelling first, some for the other: with what was there before in either, calls would go past the
    /// mesh, and nothing would say so. What is on this host needs no mesh.
    private static func takeOverProxies() {
        guard let proxy = unsafe getenv("http_proxy").map({ unsafe String(cString: $0) }) else { return }
        unsafe setenv("HTTP_PROXY", proxy, 1)
        for name in ["no_proxy", "NO_PROXY"] { unsafe setenv(name, "localhost,127.0.0.1,::1", 1) }
    }

    private static var pathOfEnvironment: String? {
        guard let value = unsafe getenv("HEDDLE_SOCKET").map({ unsafe String(cString: $0) }), !value.isEmpty else {
            return nil
        }
        return value
    }

    /// The program finds what this process was given: signals as they were, and nothing that this process opened.
    private func become(_ program: String, _ start: Int) throws {
        StandardStreams.restoreSignals()
        var number: CInt = 0
        unsafe CommandArguments.withWords(from: start) { words in
            unsafe execvp(words[0]!, words)
            number = errno
        }
        throw failure(
            "cannot start \(Diagnostic.quoted(program)): \(FailedCall.reason(number))",
            code: number == ENOENT ? 127 : 126)
    }
}
