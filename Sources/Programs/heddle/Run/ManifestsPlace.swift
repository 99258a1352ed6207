import Cryptography
import Diagnostics
import EtcdClient
import EtcdManifests
import HTTPTransfers
import Reconciliation
import SystemInterfaces
import TransportSecurity

/// Where `heddle run` has its manifests from.
enum ManifestsPlace: Sendable {
    /// Absolute, as the watcher needs it.
    case folder(String)
    case etcd(EtcdPlace)

    /// For people.
    var name: String {
        switch self {
        case .folder(let folder): folder
        case .etcd(let place): place.address.description
        }
    }

    /// Which files manifests may name.
    var boundary: FileBoundary {
        switch self {
        case .folder(let folder): FileBoundary(ofFolder: folder)
        // Nothing is ever below it.
        case .etcd(let place): FileBoundary(below: place.filesBelow, elsewhere: "/dev/null")
        }
    }

    /// Folders of manifests, which nothing else is written to.
    var ownFolders: [String] {
        switch self {
        case .folder(let folder): [folder]
        case .etcd: []
        }
    }

    /// Whether a path of Heddle's own is no place for it: it would be read as manifests are, or be what they may name.
    /// - Parameter path: Absolute.
    func reaches(_ path: String) -> Bool {
        switch self {
        case .folder(let folder): StateLocation.lies(path, below: folder)
        case .etcd: [path, path + "/any"].contains { boundary.strays($0, at: .manifestsFolder) == nil }
        }
    }
}

/// Sets of manifests in etcd, and what they may do.
struct EtcdPlace: Sendable {
    let address: EtcdAddress
    let access: EtcdAccess
    /// Absolute.
    let filesBelow: [String]
    /// With the public keys of which one must have signed a set; absolute.
    let keysFile: String?

    /// - Throws: A sentence on why it cannot be had.
    func origin(_ state: HeldFolder, on loop: TransferLoop) throws -> EtcdOrigin {
        var settings = EtcdOrigin.Settings(access)
        settings.stateFolder = state
        settings.filesFolder = filesBelow.first
        settings.keys = try keysFile.map { try Self.keys(in: $0) }
        return try EtcdOrigin(address, settings, on: loop)
    }

    private static func keys(in file: String) throws(CryptographyError) -> VerifyingKeys {
        let content: FileAccess.Content
        do throws(SystemCallError) { content = try FileAccess.read(file, limit: CredentialFiles.byteLimit) } catch {
            throw CryptographyError(.unreadableFile, "cannot read \"\(file)\": \(error.reason)")
        }
        guard case .bytes(let bytes, _) = content else {
            throw CryptographyError(
                .unreadableFile, "cannot read \"\(file)\": it is no file, or too large for one of keys")
        }
        return try VerifyingKeys(pem: bytes, origin: file)
    }
}
