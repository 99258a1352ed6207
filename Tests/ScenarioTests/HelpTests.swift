import TestSupport
import Testing

/// What `--help` and `heddle help` say.
struct HelpTests {
    private static func heddle(_ arguments: String...) throws -> CommandResult { try Heddle.run(arguments) }

    @Test(arguments: [
        [], ["run"], ["exec"], ["init"], ["check"], ["apply"], ["delete"], ["get"], ["describe"], ["status"],
        ["explain"], ["certificate"],
        ["version"], ["completion"], ["authority"], ["authority", "create"], ["config"], ["config", "get"], ["help"],
        ["help", "help"],
    ])
    func `every command has help with its usage`(arguments: [String]) throws {
        let result = try Heddle.run(arguments + ["--help"])
        #expect(result.exitCode == 0)
        #expect(result.output.contains("USAGE: heddle"))
        #expect(result.diagnostics.isEmpty)
    }

    @Test func `help of a command is its help`() throws {
        let result = try Self.heddle("help", "status")
        #expect(result.exitCode == 0)
        #expect(result.output.contains("USAGE: heddle status"))
        #expect(try Self.heddle("help").output.contains("USAGE: heddle <subcommand>"))
        #expect(try Self.heddle().exitCode == 0)
    }

    @Test func `help names the root's ten years in days`() throws {
        #expect(
            try Self.heddle("help", "authority", "create").output.replacing("\n", with: " ").contains("Default: 3650."))
    }

    @Test func `help knows the exit codes`() throws {
        func words(_ arguments: String...) throws -> String {
            try Heddle.run(["help"] + arguments).output.split { $0.isWhitespace }.joined(separator: " ")
        }
        let all = try words()
        for code in [
            "0 done", "1 the answer is no", "2 wrong usage", "3 the running mesh", "4 done, but", "5 not known",
        ] {
            #expect(all.contains(code), "\(code): \(all)")
        }
        #expect(all.contains("3 the running mesh cannot be reached, or ended before it answered"))
        for command in ["apply", "delete"] {
            let text = try words(command)
            #expect(
                text.contains("ends in 4 if ") && text.contains("in 5 if the mesh ended before it answered"), "\(text)")
        }
        #expect(try words("explain").contains("exit code 1 if it fails"))
    }
}
