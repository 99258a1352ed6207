import AdminAPI
import ArgumentParser

/// `heddle config`: what programs are given, and where it comes from.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show the values of Configs, and where each of them comes from.",
        discussion: "The manifest of a Config, heddle get config and heddle describe config show.",
        subcommands: [GetConfig.self])
}

/// How values are printed.
enum ValueFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json, yaml
}

struct GetConfig: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Print the value of a Config as it is on this node now.",
        discussion: """
            A secret value is shown as (secret). Exit code 1 if there is no such Config, nothing at the path, or no value yet: why \
            is said.

            Examples:
              heddle config get shop/web
              heddle config get shop/web database.host
              heddle config get shop/web --output json
              heddle config get shop/web database --explain
            """)

    @Argument(help: ArgumentHelp("The name, or namespace/name.", valueName: "name"))
    var name: String

    @Argument(help: ArgumentHelp("Only what is there: database.host, servers.0.port. Default: all.", valueName: "path"))
    var path: String?

    @Option(name: .shortAndLong, help: "The namespace. Not needed where no other has a Config of this name.")
    var namespace: String?

    @Flag(help: "Of each value where it comes from, what it is made of, and what it is over.")
    var explain = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("How to print: text for people, json or yaml for programs.", valueName: "format"))
    var output = ValueFormat.text

    @OptionGroup var location: MeshLocation

    func validate() throws {
        _ = try config
        if explain, output == .yaml {
            throw ValidationError("--explain prints text or json: leave out --output yaml.")
        }
    }

    private var config: TypedResource {
        get throws { try TypedResource(kind: "config", name: name, namespace: namespace) }
    }

    func run() throws {
        var query = path.map { [(name: "path", value: $0)] } ?? []
        if explain { query.append((name: "explain", value: "true")) }
        if output == .yaml { query.append((name: "format", value: "yaml")) }
        try location.ask(
            "GET", try config.configPath, query: query, output: output == .text ? .text : .json)
    }
}
