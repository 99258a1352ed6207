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
        let own = try? ProcessFolder(getpid()).executable().path
        var ports: [OpenPort] = []
        for (uid, sockets) in Dictionary(grouping: try ListeningSocket.all(), by: \.owner.uid) {
            let found = sockets.map { (socket: $0, group: $0.owner.controlGroup.flatMap { path(of: $0, groups) }) }
            let executables = executables(
                having: Set(sockets.map(\.owner.inode)), of: uid, in: Set(found.compactMap(\.group)), groups)
            for (socket, group) in found {
                let executable = executables[socket.owner.inode]
                if let executable, executable == own { continue }
                ports.append(
                    OpenPort(
                        address: socket.address, port: socket.port, isIPv6Only: socket.isIPv6Only, uid: uid,
                        controlGroup: group, executable: executable))
            }
        }
        return ports.sorted { ($0.port, $0.address.high, $0.address.low) < ($1.port, $1.address.high, $1.address.low) }
    }

    private static func path(of group: UInt64, _ groups: ControlGroups) -> String? {
        var answer = groups.find(group)
        var search = GroupSearch(for: group, in: groups)
        while answer == nil {
            var slice = Slice()
            answer = search.goOn(&slice)
        }
        guard case .path(let path)? = answer else { return nil }
        return path
    }

    /// What the first process executes that is found to have each of the sockets.
    private static func executables(
        having sockets: Set<UInt32>, of uid: UInt32, in paths: Set<String>, _ groups: ControlGroups
    ) -> [UInt32: String] {
        var scan = HolderScan(for: sockets, of: uid, in: paths, [], groups)
        var found: [UInt32: String] = [:]
        while true {
            var slice = Slice()
            switch scan.next(&slice) {
            case .seen(let sighting):
                guard let path = try? sighting.folder.executable().path else { continue }
                for socket in sighting.sockets.keys where found[socket] == nil { found[socket] = path }
            case .settled, .paused: continue
            case .over: return found
            }
        }
    }
}
