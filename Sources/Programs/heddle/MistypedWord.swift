import ArgumentParser
import Diagnostics

/// A command or an option that there is not: said before anything else is found to be missing, with the name that was
/// probably meant.
struct MistypedWord: Error, CustomStringConvertible {
    private let message: String
    private let command: Command

    /// A command, and how it is called: `heddle authority create`.
    private struct Command {
        let type: any ParsableCommand.Type
        let name: String

        static let root = Command(type: Heddle.self, name: "heddle")

        var subcommands: [any ParsableCommand.Type] { type.configuration.subcommands }
        var names: [String] { subcommands.map { $0._commandName } }

        subscript(word: String) -> Command? {
            subcommands.first { $0._commandName == word }.map { Command(type: $0, name: "\(name) \(word)") }
        }
    }

    var description: String {
        """
        Error: \(message)
        Usage: \(Heddle.usageString(for: command.type))
          See '\(command.name) --help' for more information.
        """
    }

    /// - Returns: `nil` if all words are known, as far as can be told without the parser.
    static func find(in arguments: [String]) -> MistypedWord? {
        if arguments.first == "help" { return findInHelp(arguments.dropFirst()) }
        var command = Command.root
        var rest = arguments[...]
        while !command.subcommands.isEmpty, let word = rest.first, !word.hasPrefix("-") {
            guard let next = command[word] else { return noCommand(word, of: command) }
            command = next
            rest.removeFirst()
        }
        return unknownOption(in: rest, of: command)
    }

    /// The help of a command is asked for by its name alone.
    private static func findInHelp(_ arguments: ArraySlice<String>) -> MistypedWord? {
        var command = Command.root
        if arguments.first == "help" { return nil }
        for word in arguments where !word.hasPrefix("-") {
            guard let next = command[word] else { return noCommand(word, of: command) }
            command = next
        }
        return nil
    }

    private static func noCommand(_ word: String, of command: Command) -> MistypedWord {
        let isRoot = command.name == Command.root.name
        let names = command.names + (isRoot ? ["help"] : [])
        let hint = names.isEmpty ? "" : suggestion(for: word, among: names, orElse: "Commands: ")
        let name = command.name.dropFirst(Command.root.name.count + 1)
        return MistypedWord(
            message: (isRoot ? "There is no command '\(word)'." : "'\(name)' has no command '\(word)'.") + hint,
            command: isRoot || names.isEmpty ? .root : command)
    }

    private static func unknownOption(in arguments: ArraySlice<String>, of command: Command) -> MistypedWord? {
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
