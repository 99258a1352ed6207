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

            With --config it also finds there what the workload may read of a Config: database.host is DATABASE_HOST. Then this process stays beside the program \
            unless --on-change is none: it passes signals on, ends as the program ends, and starts it anew when a value changes, at most once in 5 s. Ends in 1 if the \
            workload may not read the Config, in 4 if that has no value in time.

            Examples:
              heddle exec --as shop/web -- ./server
              heddle exec --as shop/web --config web --prefix APP_ -- ./server
              heddle exec --as shop/web --config web --on-change signal --signal HUP -- ./server
            """)

    @Option(name: .customLong("as"), help: ArgumentHelp("Whom it is.", valueName: "namespace/workload"))
    var workload: String

    @Option(
        help: ArgumentHelp(
            "The workload socket. Default: $HEDDLE_SOCKET, else /run/heddle/workload.sock.", valueName: "unix:PATH"),
        transform: AdminAddress.init(argument:))
    var socket: AdminAddress?

    @OptionGroup var configs: ExecConfigOptions

    @Argument(
        parsing: .captureForPassthrough, help: ArgumentHelp("The program and its arguments.", valueName: "command"))
    var command: [String] = []

    /// Where the program's own words begin, which are nobody else's to read.
    static func programStart(in arguments: [String]) -> Int? {
        guard arguments.first == "exec" else { return nil }
        let valued = ["--as", "--socket"] + ExecConfigOptions.valued
        var index = 1
        while index < arguments.count {
            let word = arguments[index]
            if word == "--" { return index + 1 }
            guard word.hasPrefix("-") else { return index }
            index += valued.contains(word) ? 2 : 1
        }
        return arguments.count
    }

    func run() throws {
        let arguments = CommandArguments.all
        guard let start = Self.programStart(in: arguments), start < arguments.count, !arguments[start].isEmpty else {
            throw failure("there is no program to start: name it after the options", code: 2)
        }
        let path = StateLocation.absolute(socket?.path ?? Self.pathOfEnvironment ?? Mesh.defaultWorkloadSocket)
        let mesh = ExecMesh(path: path, workload: workload)
        let answer: ExecMesh.Answer
        do throws(ExecMesh.Failure) {
            answer = try mesh.ask()
        } catch {
            switch error {
            case .unreachable(let error):
                throw failure(
                    "\(error)\nname the workload socket of the mesh with --socket, and see with `heddle status` whether it is there",
                    code: 3)
            case .refused(let refusal):
                Output.write(refusal.diagnostics, to: STDERR_FILENO)
                throw ExitCode(refusal.exitCode)
            }
        }
        for name in ["http_proxy", "HTTP_PROXY"] { unsafe unsetenv(name) }
        unsafe setenv("HEDDLE_SOCKET", path, 1)
        for (name, value) in answer.variables { unsafe setenv(name, value, 1) }
        Self.takeOverProxies()
        guard configs.names.isEmpty else {
            let program = ConfiguredProgram(configs, mesh, answer, start: start)
            // It never returns but with an error.
            throw try program.run()
        }
        Output.write(answer.diagnostics, to: STDERR_FILENO)
        throw Self.become(start)
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
    /// - Parameter start: Where its words begin.
    /// - Returns: Why it cannot be started.
    static func become(_ start: Int) -> ExitCode {
        StandardStreams.restoreSignals()
        var number: CInt = 0
        unsafe CommandArguments.withWords(from: start) { words in
            unsafe execvp(words[0]!, words)
            number = errno
        }
        return failure(
            "cannot start \(Diagnostic.quoted(CommandArguments.all[start])): \(FailedCall.reason(number))",
            code: number == ENOENT ? 127 : 126)
    }
}
