import ArgumentParser
import CommonValues
import Cryptography
import Diagnostics
import EtcdClient
import EtcdManifests
import HTTPTransfers
import Manifests
import Reconciliation
import TransportSecurity

struct Push: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a folder of manifests into etcd, as one set that every node takes up.",
        discussion: """
            The set is checked as heddle check does it, save for the files that it names, which are those of each node. Then it is \
            written beside the one that serves, and named by one put: every node has all of it, or the one before. The last \
            10 sets are kept there.

            Examples:
              heddle push mesh --to etcd://127.0.0.1:2379/mesh
              heddle push mesh --to etcds://a:2379,b:2379,c:2379/mesh --etcd-ca ca.pem --sign push.key
            """)

    @Argument(help: ArgumentHelp("The folder of manifests.", valueName: "dir"), completion: .directory)
    var folder: String

    @Option(
        help: ArgumentHelp("Where to: what nodes have as --manifests.", valueName: "etcd://host:port/prefix"),
        transform: EtcdAddress.init(argument:))
    var to: EtcdAddress

    @Option(
        help: ArgumentHelp(
            "Sign the set with this private key of Ed25519, for nodes with --manifests-key.", valueName: "keyfile"),
        completion: .file())
    var sign: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Check that the files it names lie below this folder, as nodes do with the same option. May be repeated.",
            valueName: "dir"))
    var filesBelow: [String] = []

    @Flag(help: "Push a folder without manifests: the mesh is to be empty.")
    var prune = false

    @OptionGroup var etcd: EtcdOptions
    @OptionGroup var format: OutputOptions

    func run() async throws {
        let access = try etcd.access(to: to)
        let named = NamedManifests(at: folder)
        guard named.isFolder else { throw failure("\(folder) is no folder of manifests", code: 1) }
        let set = ManifestSet(
            named,
            boundary: filesBelow.isEmpty
                ? nil : FileBoundary(below: filesBelow.map(StateLocation.absolute), elsewhere: ""))
        guard set.snapshot != nil else { throw refused(set.diagnostics, set.renderedDiagnostics) }
        guard !named.sources.isEmpty || prune else {
            throw failure("there are no manifests in \(folder): add --prune if the mesh is to be empty", code: 1)
        }
        if format.output == .text { Output.writeError(set.renderedDiagnostics) }
        let signer = try sign.map { file in try readSigner(file) }
        let loop: TransferLoop
        do throws(TransferFailure) { loop = try TransferLoop() } catch { throw failure("\(error)", code: 1) }
        defer { loop.stop() }
        do throws(Rejection) {
            let now = UInt64(clamping: UnixTime.now.microseconds / 1_000)
            report(try await SetStore(to, access, on: loop).push(named.sources, signer: signer, now: now), set)
        } catch {
            throw refused(error.diagnostics, Diagnostic.rendered(error.diagnostics) { _ in nil })
        }
    }

    private func readSigner(_ file: String) throws -> SetStore.Signer {
        do throws(CryptographyError) {
            return SetStore.Signer(try CredentialFiles.privateKey(StateLocation.absolute(file)), origin: file)
        } catch {
            throw failure("\(error)", code: 1)
        }
    }

    private func report(_ pushed: SetStore.Pushed, _ set: ManifestSet) {
        let (record, isNew, warnings): (SetRecord, Bool, [Diagnostic]) =
            switch pushed {
            case .named(let record, let warnings): (record, true, warnings)
            case .unchanged(let record): (record, false, [])
            }
        Output.noteDone("the set was pushed all the same")
        switch format.output {
        case .text:
            Output.writeError(Diagnostic.rendered(warnings) { _ in nil })
            let count = "\(set.resourceCount) \(set.resourceCount == 1 ? "resource" : "resources")"
            Output.write("\(isNew ? "pushed" : "unchanged"): set \(record.hash), \(count), \(record.pushedAt)\n")
        case .json:
            Output.write([
                "outcome": isNew ? "pushed" : "unchanged", "set": .string(record.hash),
                "pushedAt": .string("\(record.pushedAt)"), "resources": .integer(set.resourceCount),
                "diagnostics": ShownDiagnostics(set.diagnostics + warnings).json,
            ])
        }
    }

    private func refused(_ problems: [Diagnostic], _ rendered: String) -> ExitCode {
        switch format.output {
        case .text:
            Output.writeError(rendered)
            Output.write("refused: nothing was pushed\n")
        case .json: Output.write(["outcome": "refused", "diagnostics": ShownDiagnostics(problems).json])
        }
        return ExitCode(1)
    }
}

extension EtcdAddress {
    init(argument: String) throws {
        do throws(Mistake) { self = try EtcdAddress(argument) } catch { throw ValidationError("\(error)") }
    }
}
