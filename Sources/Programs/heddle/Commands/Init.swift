import ArgumentParser
import Diagnostics
import FirstMesh
import Glibc
import LocalAttestation
import SystemInterfaces

struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a first mesh for what listens on this host.",
        discussion: """
            Asks the kernel which TCP ports are open and whose they are, and writes a file for each: a Service, its Workload with \
            selectors, and a rule as a comment. Every call is denied until such a rule is filled in. The folder is made, or \
            must be empty: nothing is ever overwritten. Run as root it knows every process; as another user, its own.

            Examples:
              heddle init mesh
              heddle check mesh
              heddle run --manifests mesh
            """)

    @Argument(help: ArgumentHelp("A folder that is empty, or not there yet.", valueName: "dir"), completion: .directory)
    var folder: String

    @OptionGroup var format: OutputOptions

    func run() throws {
        let ports: [OpenPort]
        do throws(SystemCallError) { ports = try OpenPort.all() } catch {
            throw failure("the kernel does not say which ports are open: \(error)", code: 1)
        }
        let mesh = FirstMesh(of: ports, user: Self.name)
        do throws(SystemCallError) { try write(mesh) } catch {
            guard ![ENOTEMPTY, EEXIST].contains(error.errno) else {
                throw failure(
                    "\(folder.printable) is not empty, and nothing is overwritten: name a folder that is not there yet",
                    code: 1)
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
        lines.append("\(mesh.files.count) files written to \(folder.printable): look through them, then")
        lines.append("  heddle check \(folder.printable)")
        return lines.map { $0 + "\n" }.joined()
    }

    /// All files, or none.
    private func write(_ mesh: FirstMesh) throws(SystemCallError) {
        let isMade = unsafe mkdir(folder, 0o755) == 0
        guard isMade || errno == EEXIST else { throw SystemCallError(last: "mkdir") }
        guard try FileAccess.names(inFolder: folder).names.isEmpty else {
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
