import AdminAPI
import ArgumentParser

/// `heddle config`: what programs are given, and where it comes from.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show the values of Configs, and where each of them comes from.",
        discussion: "The manifest of a Config, heddle get config and heddle describe config show.",
        subcommands: [GetConfig.self, ConfigHistoryCommand.self, DiffConfig.self])
}

/// How values are printed.
enum ValueFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json, yaml
}

struct GetConfig: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Print the value of a Config as it is on this node now, or was.",
        discussion: """
            A secret value is shown as (secret). Exit code 1 if there is no such Config, nothing at the path, or no value yet: why \
            is said.

            Examples:
              heddle config get shop/web
              heddle config get shop/web database.host
              heddle config get shop/web --output json
              heddle config get shop/web database --explain
              heddle config get shop/web --revision 0a1b2c3d4e5f
            """)

    @OptionGroup var config: ConfigArguments

    @Argument(help: ArgumentHelp("Only what is there: database.host, servers.0.port. Default: all.", valueName: "path"))
    var path: String?

    @Option(
        help: ArgumentHelp(
            "As it was then: 4 or more digits of a revision that heddle config history lists.", valueName: "revision"))
    var revision: String?

    @Flag(help: "Of each value where it comes from, what it is made of, and what it is over.")
    var explain = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("How to print: text for people, json or yaml for programs.", valueName: "format"))
    var output = ValueFormat.text

    @OptionGroup var location: MeshLocation

    func validate() throws {
        try config.validate()
        if explain, output == .yaml {
            throw ValidationError("--explain prints text or json: leave out --output yaml.")
        }
    }

    func run() throws {
        var query = config.query
        if let path { query.append((name: "path", value: path)) }
        if let revision { query.append((name: "revision", value: revision)) }
        if explain { query.append((name: "explain", value: "true")) }
        if output == .yaml { query.append((name: "format", value: "yaml")) }
        try location.ask(
            "GET", try config.resource.configPath(), query: query, output: output == .text ? .text : .json)
    }
}

/// Which Config, and of which node.
struct ConfigArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The name, or namespace/name.", valueName: "name"))
    var name: String

    @Option(name: .shortAndLong, help: "The namespace. Not needed where no other has a Config of this name.")
    var namespace: String?

    @Option(
        help: ArgumentHelp(
            "The node that is meant: this one. Each answers for itself, on its own host.", valueName: "node"))
    var node: String?

    var resource: TypedResource {
        get throws { try TypedResource(kind: "config", name: name, namespace: namespace) }
    }

    var query: [(name: String, value: String)] { node.map { [(name: "node", value: $0)] } ?? [] }

    func validate() throws { _ = try resource }
}

struct ConfigHistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "List what a Config was on this node, from the newest value to the oldest.",
        discussion: """
            Of each value its revision, when it was published last, and in how many values it was another one than what was \
            published before. spec.pinned of the Config holds one of them. The last 100 are kept.

            Examples:
              heddle config history shop/web
              heddle config history web --namespace shop --output json
            """)

    @OptionGroup var config: ConfigArguments
    @OptionGroup var location: MeshLocation
    @OptionGroup var format: OutputOptions

    func run() throws {
        try location.ask(
            "GET", try config.resource.configPath(below: "config-history"), query: config.query, output: format.output)
    }
}

struct DiffConfig: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff", abstract: "Show in what two values of a Config differ, and where each of them is from.",
        discussion: """
            Path by path: added, removed or changed. Items of lists are compared by their place. A secret value is shown as \
            (secret), also where only the source of now is secret.

            Examples:
              heddle config diff shop/web --from 0a1b2c3d4e5f
              heddle config diff shop/web --from 0a1b2c3d4e5f --to 9f8e7d6c5b4a --output json
            """)

    @OptionGroup var config: ConfigArguments

    @Option(
        help: ArgumentHelp(
            "The value before: 4 or more digits of a revision that heddle config history lists.", valueName: "revision")
    )
    var from: String

    @Option(help: ArgumentHelp("The value after. Default: what is published now.", valueName: "revision"))
    var to: String?

    @OptionGroup var location: MeshLocation
    @OptionGroup var format: OutputOptions

    func run() throws {
        var query = config.query + [(name: "from", value: from)]
        if let to { query.append((name: "to", value: to)) }
        try location.ask(
            "GET", try config.resource.configPath(below: "config-diff"), query: query, output: format.output)
    }
}
