import ArgumentParser
import Diagnostics
import FirstMesh
import Glibc
import LocalAttestation
import Manifests
import SystemInterfaces

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a first mesh for what listens on this host.",
        discussion: """
            Asks the kernel which TCP ports are open and whose they are, and writes a file for each: a Service, its Workload with \
            selectors, and a rule as a comment. Every call is denied until such a rule is filled in. The folder is made, or \
            must be empty but for hidden names: nothing is ever overwritten. Run as root it knows every process; as another user, \
            its own. With --node it writes the Node that this host is, too, with one place for all calls and a guard as a comment.

            Examples:
              heddle init mesh
              heddle check mesh
              heddle run --manifests mesh
              heddle init mesh --node a --address 192.0.2.10:15008
            """)

    @Argument(help: ArgumentHelp("A folder that is empty, or not there yet.", valueName: "dir"), completion: .directory)
    var folder: String

    @Option(help: ArgumentHelp("The Node that this host is to be, for heddle run --node.", valueName: "name"))
    var node: String?

    @Option(
        help: ArgumentHelp(
            "Where other nodes reach it. Default: 127.0.0.1:15008, where none does.", valueName: "host:port"))
    var address: String?

    @OptionGroup var format: OutputOptions

    private var firstNode: FirstNode? { node.map { FirstNode(name: $0, address: address) } }

    func validate() throws {
        guard node != nil || address == nil else {
            throw ValidationError("'--address' is a node's: name the node with '--node'.")
        }
        guard let node else { return }
        try Self.check(FirstNode(name: node, address: nil), "--node")
        try Self.check(FirstNode(name: node, address: address), "--address")
    }

    /// What is wrong is said as it would be of the file.
    private static func check(_ node: FirstNode, _ option: String) throws {
        let diagnostics = ManifestDecoder.decode(Array(node.text().utf8), path: "node.yaml").diagnostics
        guard let mistake = diagnostics.first(where: { $0.severity == .error }) else { return }
        throw ValidationError("'\(option)': found \(mistake.found), expected \(mistake.expected).")
    }

    func run() throws {
        let ports: [OpenPort]
        do throws(SystemCallError) { ports = try OpenPort.all() } catch {
            throw failure("the kernel does not say which ports are open: \(error)", code: 1)
        }
        let mesh = FirstMesh(of: ports, node: firstNode, user: Self.name)
        do throws(SystemCallError) { try write(mesh) } catch {
            guard error.errno != EPERM || !isAnothers else {
                throw failure(
                    "\(folder.printable) is another user's, who could change what is written there: name a folder that is not there yet",
                    code: 1)
            }
            guard error.errno != ENOTEMPTY else {
                let name = try? names().first
                throw failure(
                    "\(folder.printable) is not empty\(name.map { " (\($0.printable))" } ?? ""), and nothing is overwritten: "
                        + "name a folder that is not there yet", code: 1)
            }
            guard error.errno != ENOTDIR || !isThere else {
                throw failure("\(folder.printable) is a file: name a folder that is empty, or not there yet", code: 1)
            }
            throw failure(
                "\(folder.printable): \(error.reason); \(FailedCall.remedy(error.errno, to: .write, "the folder"))",
                code: 1)
        }
        Output.noteDone("\(folder.printable) was written all the same")
        switch format.output {
        case .text: Output.write(text(mesh))
        case .json:
            Output.write([
                "folder": .string(folder), "files": .array(mesh.files.map { .string($0.name) }),
                "leftOut": .integer(mesh.leftOut),
            ])
        }
    }

    private func text(_ mesh: FirstMesh) -> String {
        var lines = mesh.summary
        if mesh.summary.isEmpty { lines.append("nothing listens here that this user can see") }
        if mesh.leftOut > 0 { lines.append("\(mesh.leftOut) further ports are left out") }
        let option = node.map { " --node \($0)" } ?? ""
        lines.append(
            "\(mesh.files.count) files written to \(folder.printable): nobody may call anything yet. Make a rule of the comment at"
        )
        lines.append("the end of a file, name its caller there, and then")
        lines.append("  heddle check \(folder.printable)\(option)")
        lines.append("  heddle run --manifests \(folder.printable)\(option)")
        return lines.map { $0 + "\n" }.joined()
    }

    /// What lies in the folder that a mesh would read: hidden names, as git's, are no manifests.
    private func names() throws(SystemCallError) -> [String] {
        try FileAccess.names(inFolder: folder).names.filter { !$0.hasPrefix(".") || $0.hasPrefix(".heddle-") }
    }

    /// What lies in a folder of somebody else's is his to replace.
    private var isAnothers: Bool {
        guard let owner = try? FileAccess.facts(folder, followingLinks: true).ownership.owner else { return false }
        return owner != geteuid() && owner != 0
    }

    private var isThere: Bool { unsafe access(folder, F_OK) == 0 }

    /// All files, or none.
    private func write(_ mesh: FirstMesh) throws(SystemCallError) {
        let isMade = unsafe mkdir(folder, 0o755) == 0
        guard isMade || errno == EEXIST else { throw SystemCallError(last: "mkdir") }
        guard !isAnothers else { throw SystemCallError("mkdir", errno: EPERM) }
        guard try names().isEmpty else {
            throw SystemCallError("mkdir", errno: ENOTEMPTY)
        }
        let writer = FileWriter()
        let role = FileRole.new(try FileTraits(newIn: folder))
        var written: [String] = []
        do throws(SystemCallError) {
            for file in mesh.files {
                let path = FileAccess.path(file.name, in: folder)
                try writer.create(path, Array(file.text.utf8), as: role, isSynced: false)
                written.append(path)
            }
        } catch {
            for path in written { unsafe unlink(path) }
            if isMade { unsafe rmdir(folder) }
            throw error
        }
    }

    /// As the host calls a user.
    private static func name(_ user: UInt32) -> String? {
        guard let entry = unsafe getpwuid(user), let name = unsafe entry.pointee.pw_name else { return nil }
        return unsafe String(cString: name)
    }
}
