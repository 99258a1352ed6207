import ArgumentParser
import EtcdClient
import EtcdManifests
import HTTPTransfers
import SystemInterfaces

/// As whom etcd is asked for manifests, and whom to believe there.
struct EtcdOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Whose certificates etcd may have (etcds://), in PEM. Default: those that the host trusts.",
            valueName: "file"),
        completion: .file())
    var etcdCa: String?

    @Option(
        help: ArgumentHelp("What Heddle says who it is to etcd with, in PEM (etcds://).", valueName: "file"),
        completion: .file())
    var etcdCert: String?

    @Option(help: ArgumentHelp("The key of --etcd-cert.", valueName: "file"), completion: .file())
    var etcdKey: String?

    @Option(help: ArgumentHelp("The user of etcd.", valueName: "name"))
    var etcdUser: String?

    @Option(
        help: ArgumentHelp(
            "The file that the user's password stands in, read whenever it is needed.", valueName: "file"),
        completion: .file())
    var etcdPasswordFile: String?

    var isSet: Bool { [etcdCa, etcdCert, etcdKey, etcdUser, etcdPasswordFile].contains { $0 != nil } }

    func validate() throws {
        guard (etcdCert == nil) == (etcdKey == nil) else {
            throw ValidationError("--etcd-cert and --etcd-key go together.")
        }
        guard (etcdUser == nil) == (etcdPasswordFile == nil) else {
            throw ValidationError("--etcd-user and --etcd-password-file go together.")
        }
    }

    /// - Throws: What these cannot be used for.
    func access(to address: EtcdAddress) throws -> EtcdAccess {
        guard address.isTLS || [etcdCa, etcdCert].allSatisfy({ $0 == nil }) else {
            throw ValidationError("--etcd-ca and --etcd-cert are for TLS: write etcds:// instead of etcd://.")
        }
        var access = EtcdAccess(endpoints: address.endpoints)
        access.trust = TransferRequest.Trust(
            authorityFile: etcdCa.map(StateLocation.absolute), certificateFile: etcdCert.map(StateLocation.absolute),
            keyFile: etcdKey.map(StateLocation.absolute))
        if let etcdUser, let file = etcdPasswordFile.map(StateLocation.absolute) {
            access.user = EtcdAccess.User(name: etcdUser) { Self.firstLine(of: file) }
        }
        return access
    }

    private static func firstLine(of file: String) -> [UInt8]? {
        guard case .bytes(let bytes, _)? = try? FileAccess.read(file, limit: 64 << 10) else { return nil }
        return Array(bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
    }
}
