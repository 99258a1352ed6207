import ArgumentParser
import Diagnostics

/// A command or an option that there is not: said before anything else is found to be missing, with the name that was
/// probably meant.
struct MistypedWord: Error, CustomStringConvertible {
    private let message: String
    private let command: (type: any ParsableCommand.Type, name: String)

    var description: String {
        """
        Error: \(message)
        Usage: \(Heddle.usageString(for: command.type))
          See '\(command.name) --help' for more information.
        """
    }

    /// - Returns: `nil` if all words are known, as far as can be told without the parser.
    static func find(in arguments: [String]) -> MistypedWord? {
        let root = (type: Heddle.self as any ParsableCommand.Type, name: "heddle")
        guard let first = arguments.first else { return nil }
        if first.hasPrefix("-") { return unknownOption(in: arguments, of: root) }
        let commands = Heddle.configuration.subcommands
        let names = commands.map { $0._commandName }
        if first == "help" {
            // The help of a command is asked for by its name alone.
            let rest = arguments.dropFirst().filter { !$0.hasPrefix("-") }
            if let unknown = rest.first(where: { !names.contains($0) }) {
                return MistypedWord(message: noCommand(unknown, names), command: root)
            }
            guard let extra = rest.dropFirst().first else { return nil }
            return MistypedWord(message: "'\(rest[0])' has no command '\(extra)'.", command: root)
        }
        guard let index = names.firstIndex(of: first) else {
            return MistypedWord(message: noCommand(first, names + ["help"]), command: root)
        }
        return unknownOption(in: Array(arguments.dropFirst()), of: (commands[index], "heddle \(first)"))
    }

    private static func noCommand(_ name: String, _ names: [String]) -> String {
        "There is no command '\(name)'." + suggestion(for: name, among: names, orElse: "Commands: ")
    }

    private static func unknownOption(
        in arguments: [String], of command: (type: any ParsableCommand.Type, name: String)
    ) -> MistypedWord? {
        let names = arguments.prefix { $0 != "--" }.filter { $0.hasPrefix("--") }.map {
            String($0.prefix { $0 != "=" })
        }
        guard !names.isEmpty else { return nil }
        let options = options(of: command.type)
        for name in names where !options.contains(name) && !isOfTheParser(name) {
            return MistypedWord(
                message: "Unknown option '\(name)'." + suggestion(for: name, among: options, orElse: "Options: "),
                command: command)
        }
        return nil
    }

    /// What it takes besides, and tells nobody of: what completion scripts ask, among others.
    private static func isOfTheParser(_ name: String) -> Bool {
        name.hasPrefix("---")
            || ["--help-hidden", "--generate-completion-script", "--experimental-dump-help"].contains(name)
    }

    private static func suggestion(for name: String, among names: [String], orElse list: String) -> String {
        if let near = NearestName(to: name, among: names) {
            return " Did you mean '\(near.name)'?" + (near.note.map { " In '\(name)', \($0)." } ?? "")
        }
        return " \(list)\(names.joined(separator: ", "))."
    }

    /// The long ones, as its help has them.
    private static func options(of command: any ParsableCommand.Type) -> [String] {
        let help = Heddle.helpMessage(for: command, includeHidden: true, columns: 400)
        var names: [String] = []
        for line in help.split(separator: "\n") where line.hasPrefix("  -") {
            let words = line.split(separator: " ", maxSplits: 3)
            names += words.prefix(2).filter { $0.hasPrefix("--") }.map {
                $0.last == "," ? String($0.dropLast()) : String($0)
            }
        }
        return names
    }
}
