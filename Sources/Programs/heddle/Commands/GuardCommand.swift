import AdminAPI
import ArgumentParser
import Diagnostics
import HostGuard
import StateKeeping

/// `heddle guard`: the tables that keep others from workloads' plain ports, which stay when Heddle ends.
struct GuardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard", abstract: "Look at, or remove, the guards that Heddle left on this host.",
        discussion: """
            A guard (guard of a Node) stays when heddle run ends, so that the ports it guards stay closed. To list and remove takes \
            the right to change the host's packet filter: root, or CAP_NET_ADMIN. status asks the running mesh.
            """,
        subcommands: [GuardStatus.self, ListGuards.self, RemoveGuard.self])
}

struct GuardStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say whether the guard of the running mesh holds.",
        discussion: """
            Ends in 0 if it does, in 1 if it does not or the Node has none, in 3 if no mesh answers: for what must not be started \
            while its port is open, as ExecStartPre=+/usr/bin/heddle guard status of its unit.
            """)

    @OptionGroup var location: MeshLocation
    @OptionGroup var format: OutputOptions

    func run() throws { try location.ask("GET", ["v1", "guard"], output: format.output) }
}

struct ListGuards: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the guards of this host, one of each mesh's.")

    @OptionGroup var format: OutputOptions

    func run() throws {
        let guards = try PacketFilter.answering { filter throws(PacketFilter.Failure) in
            var guards: [(table: String, listing: GuardListing?)] = []
            for table in try filter.tables() { guards.append((table, try filter.list(table))) }
            return guards
        }
        switch format.output {
        case .text:
            guard !guards.isEmpty else { return Output.write("no guard\n") }
            var table = TextTable(["TABLE", "NODE", "PORTS", "OPEN TO USERS"])
            for (name, listing) in guards {
                let users = (listing?.users ?? []).sorted().map { "\($0)" }.joined(separator: ",")
                table.add([name, listing?.node ?? "", listing.map { "\($0.ports.count)" } ?? "", users])
            }
            Output.write(table.rendered())
        case .json: Output.write(.array(guards.map { Self.json($0.table, $0.listing) }))
        }
    }

    private static func json(_ table: String, _ listing: GuardListing?) -> JSONValue {
        var json = JSONMembers()
        json.add("table", table)
        json.add("node", listing?.node)
        json.add("ports", .array((listing?.ports ?? []).sorted().map { .integer(Int($0)) }))
        json.add("users", .array((listing?.users ?? []).sorted().map { .integer(Int($0)) }))
        return json.json
    }
}

struct RemoveGuard: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Remove a guard: the ports it guards are open then.",
        discussion: """
            Without a name, that of the mesh whose state folder is named or the default one. While heddle run uses the folder \
            it would make its guard again: take "guard" out of the Node instead, and it removes it.

            Examples:
              heddle guard remove
              heddle guard remove heddle-guard-fe01-2a     # as in heddle guard list
              heddle guard remove --all
            """)

    @Argument(help: ArgumentHelp("A guard, as heddle guard list shows it.", valueName: "table"))
    var table: String?

    @Option(
        help: ArgumentHelp(
            "The state folder of the mesh whose guard it is. Default: $HEDDLE_STATE, else as heddle run has it.",
            valueName: "dir"), completion: .directory)
    var state: String?

    @Flag(help: "Remove the guards of all meshes of this host.")
    var all = false

    func validate() throws {
        guard [table != nil, state != nil, all].count(where: { $0 }) <= 1 else {
            throw ValidationError("Name one table, or a state folder with --state, or --all.")
        }
        if let table, !GuardTable.isName(table) {
            throw ValidationError("'\(table.printable)' is no guard: 'heddle guard list' shows those of this host.")
        }
    }

    func run() throws {
        let there = try PacketFilter.answering { filter throws(PacketFilter.Failure) in try filter.tables() }
        let wanted = all ? there : [try table ?? ofStateFolder]
        // Of other meshes' state folders nobody here knows.
        let folder = StateLocation.folder(option: state)
        if let instance = StateLocation.instance(of: folder), StateFolder.isInUse(folder),
            wanted.contains(GuardTable.name(ofInstance: instance))
        {
            throw failure(
                "heddle run uses \(folder.printable), and would make its guard again\n"
                    + "take \"guard\" out of the Node, and it removes it; or stop it first", code: 1)
        }
        if let missing = wanted.first(where: { !there.contains($0) }) {
            throw failure(
                "there is no guard \(missing) on this host"
                    + (there.isEmpty ? "" : ": there is \(there.joined(separator: ", "))"), code: 1)
        }
        for table in wanted {
            try PacketFilter.answering { filter throws(PacketFilter.Failure) in try filter.remove(table) }
            Output.write("removed \(table)\n")
        }
        if wanted.isEmpty { Output.write("no guard\n") }
    }

    private var ofStateFolder: String {
        get throws {
            let folder = StateLocation.folder(option: state)
            guard let instance = StateLocation.instance(of: folder) else {
                throw failure(
                    "there is no state folder \(folder.printable)\nname the guard: heddle guard list shows those of this host",
                    code: 1)
            }
            return GuardTable.name(ofInstance: instance)
        }
    }
}

extension PacketFilter {
    /// What the host's packet filter answers; what stands in the way is told.
    fileprivate static func answering<Value>(
        _ ask: (PacketFilter) throws(PacketFilter.Failure) -> Value
    ) throws -> Value {
        do throws(PacketFilter.Failure) {
            return try ask(PacketFilter())
        } catch {
            throw failure("\(error.reason)\n\(error.remedy(for: "this command"))", code: 1)
        }
    }
}
