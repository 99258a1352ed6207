import ArgumentParser
import EtcdManifests
import Glibc
import Logging
import StateKeeping

/// What is said on standard error, from the least on.
private enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, notice, warning, error, critical

    var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve manifests, of a folder or of etcd, in the foreground, until SIGTERM.",
        discussion: """
            Watches the folder and takes up any change to it within milliseconds, whole or not at all: one mistake anywhere, \
            and the last good set goes on serving. SIGTERM and SIGINT drain: nothing new is accepted, what is in flight is \
            answered, then the exit code is 0. SIGHUP has the folder read again.

            Examples:
              heddle run --manifests manifests
              heddle run --manifests /etc/heddle --node a --state /var/lib/heddle
              heddle run --manifests etcd://10.0.0.5:2379/mesh --node a --files-below /etc/heddle
            """)

    @Option(
        help: ArgumentHelp(
            "The folder of manifests; or etcd://HOST:PORT[,HOST:PORT]/PREFIX (etcds:// with TLS), where heddle push puts them.",
            valueName: "dir|etcd-url"), completion: .directory)
    var manifests: String

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "The folder that files lie in which manifests of etcd may name; relative paths begin at the first. May be repeated. "
                + "Default: such manifests name no files.", valueName: "dir"), completion: .directory)
    var filesBelow: [String] = []

    @Option(
        help: ArgumentHelp(
            "Take from etcd only what one of the public keys of Ed25519 in this file has signed (heddle push --sign).",
            valueName: "file"), completion: .file())
    var manifestsKey: String?

    @OptionGroup var etcd: EtcdOptions

    @Option(help: ArgumentHelp("The Node that this host is. Needed where the manifests name nodes.", valueName: "name"))
    var node: String?

    @Option(
        help: ArgumentHelp(
            "Where keys and generations are kept. Default: $HEDDLE_STATE, else /var/lib/heddle for root, else "
                + "$XDG_STATE_HOME/heddle, else ~/.local/state/heddle.", valueName: "dir"),
        completion: .directory)
    var state: String?

    @Option(
        help: ArgumentHelp(
            "Where the admin API listens. Default: admin.sock in the state folder.", valueName: "unix:PATH"),
        transform: AdminAddress.init(argument:))
    var admin: AdminAddress?

    @Option(
        help: ArgumentHelp(
            "What is logged to standard error: trace, debug, info, notice, warning, error, critical.",
            valueName: "level"))
    private var logLevel = LogLevel.info

    private func place() throws -> ManifestsPlace {
        guard EtcdAddress.isMeant(by: manifests) else {
            guard filesBelow.isEmpty, manifestsKey == nil, !etcd.isSet else {
                throw ValidationError(
                    "--files-below, --manifests-key and --etcd-... are for manifests of etcd (--manifests etcd://HOST:PORT/PREFIX)."
                )
            }
            return .folder(StateLocation.absolute(manifests))
        }
        let address = try EtcdAddress(argument: manifests)
        return .etcd(
            EtcdPlace(
                address: address, access: try etcd.access(to: address),
                filesBelow: filesBelow.map(StateLocation.absolute),
                keysFile: manifestsKey.map(StateLocation.absolute)))
    }

    func validate() throws { _ = try place() }

    func run() async throws {
        let state = StateLocation.folder(option: state)
        try await MeshProcess(
            RunOptions(
                manifests: try place(), node: node, stateFolder: state,
                adminSocketPath: admin?.path ?? "\(state)/\(StateFolder.socketName)", logLevel: logLevel.level)
        ).run()
        // exit(3) would take OpenSSL's tables away from workers that are still letting go of their sessions.
        _exit(0)
    }
}
