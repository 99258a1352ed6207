package import CommonValues
import Glibc
package import SystemInterfaces

/// A port of TCP at which a process of this host listens.
package struct OpenPort: Hashable, Sendable {
    package var address: IPAddress
    package var port: UInt16
    /// At an address of IPv6: no calls of IPv4.
    package var isIPv6Only = false
    /// Who made the socket.
    package var uid: UInt32
    /// Where it was made, from the root of the hierarchy; `nil`: not known.
    package var controlGroup: String?
    /// What the process that has it executes; `nil`: not known.
    package var executable: String?

    package init(
        address: IPAddress, port: UInt16, isIPv6Only: Bool = false, uid: UInt32, controlGroup: String? = nil,
        executable: String? = nil
    ) {
        self.address = address
        self.port = port
        self.isIPv6Only = isIPv6Only
        self.uid = uid
        self.controlGroup = controlGroup
        self.executable = executable
    }

    /// All that are open now, by their numbers, but for those of this program itself.
    package static func all() throws(SystemCallError) -> [OpenPort] {
        let groups = ControlGroups()
        var holders = SocketHolders(groups: groups)
        let own = try? ProcessFolder(getpid()).executable()
        var ports: [OpenPort] = []
        for socket in try ListeningSocket.all() {
            var port = OpenPort(
                address: socket.address, port: socket.port, isIPv6Only: socket.isIPv6Only, uid: socket.owner.uid,
                controlGroup: socket.owner.controlGroup.flatMap(groups.path))
            let found = try? holders.find(socket.owner.inode, uid: port.uid, group: port.controlGroup)
            port.executable = found?.first.flatMap { try? $0.folder.executable() }
            if let executable = port.executable, executable == own { continue }
            ports.append(port)
        }
        return ports.sorted { ($0.port, $0.address.high, $0.address.low) < ($1.port, $1.address.high, $1.address.low) }
    }
}
