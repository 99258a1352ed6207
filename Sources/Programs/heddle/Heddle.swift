import ArgumentParser

/// The one command: `heddle <subcommand>`.
@main
struct Heddle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "heddle",
        abstract:
            "A service mesh for plain Linux hosts: apply manifests, enforce zero-trust policy, reload without restarts.",
        discussion: """
            Exit codes: 0 done, 1 the answer is no (invalid, refused, denied, not found), 2 wrong usage, 3 the running mesh \
            cannot be reached, or ended before it answered and has changed nothing, 4 done, but something of it is held back by \
            this host, or the output could not be written, 5 not known: the mesh ended before it answered an apply or a delete. \
            Diagnostics go to standard error. The commands that ask a running mesh find it by --admin, --state or \
            HEDDLE_STATE, in this order, else in the default state folder.
            """,
        version: Version.text,
        groupedSubcommands: [
            CommandGroup(name: "Serve, and start what it serves", subcommands: [Run.self, Exec.self]),
            CommandGroup(
                name: "Without a running mesh",
                subcommands: [
                    Init.self, Check.self, AuthorityCommand.self, GuardCommand.self, ShowVersion.self, Completion.self,
                ]),
            CommandGroup(name: "Change a running mesh", subcommands: [Apply.self, Delete.self, Push.self]),
            CommandGroup(
                name: "Ask a running mesh",
                subcommands: [
                    Status.self, Get.self, Describe.self, Explain.self, ConfigCommand.self, ShowCertificate.self,
                ]),
        ])

    /// What ArgumentParser ends with on wrong usage (sysexits.h); this program's number for it is 2.
    private static let parserUsageCode: Int32 = 64

    /// `""`, or `--option=`.
    private static func isEmpty(_ argument: String) -> Bool {
        argument.isEmpty || argument.hasPrefix("--") && argument.firstIndex(of: "=") == argument.indices.last
    }

    static func main() async {
        StandardStreams.open()
        StandardStreams.reportErrors()
        let all = CommandArguments.all
        // What is another program's is not ours to judge.
        let arguments = Exec.programStart(in: all).map { Array(all.prefix($0).filter { $0 != "--" }) } ?? all
        // Of the folders and names that these stand for, none is the one that was meant.
        if arguments.contains(where: Self.isEmpty) {
            Output.writeError("error: an argument is empty: perhaps a variable of the shell is not set\n")
            Output.end(2)
        }
        if let mistake = MistypedWord.find(in: arguments) {
            Output.writeError("\(mistake)\n")
            Output.end(2)
        }
        do {
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            Output.end(0)
        } catch let code as ExitCode {
            Output.end(code.rawValue)
        } catch is MeshProcess.NotServing {
            Output.end(1)
        } catch {
            let code = exitCode(for: error).rawValue
            let message = fullMessage(for: error)
            if code == 0 { Output.write(message + "\n") } else { Output.writeError(message + "\n") }
            Output.end(code == parserUsageCode ? 2 : code)
        }
    }
}
