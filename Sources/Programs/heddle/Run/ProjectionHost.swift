import Attestation
import ConfigDelivery
import Manifests
import NodeServing
import SystemInterfaces

extension ProjectionKeeper.Host {
    /// - Parameter folders: Absolute. Those that are not there, or cannot be seen, are taken as they are named.
    static func ofThisHost(closing folders: [String], telling bell: ChangeBell) -> ProjectionKeeper.Host {
        ProjectionKeeper.Host(
            number: { user in
                HostAccounts(asking: Set(user.name.map { [.user($0.value)] } ?? [])).number(of: user)
            },
            tell: bell.tell,
            closedFolders: folders.map { folder in (try? FileWriter.realPath(folder)) ?? folder })
    }
}
