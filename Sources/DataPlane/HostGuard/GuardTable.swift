package import EventLoops

/// What a host's guard holds: who may connect to which ports. A value; `GuardScript` says it to the kernel.
package struct GuardTable: Hashable, Sendable {
    /// Of the table, in the family `inet`.
    package let name: String
    /// Of the Node, for people who look at the host's tables.
    package let node: String
    /// Guarded at each address of this host, as processes listen at more than they were told to.
    package var ports: Set<UInt16>
    /// Where workloads are said to listen: guarded there, whether that is this host or a container of it.
    package var endpoints: Set<NetworkAddress>
    /// Who may connect, by number.
    package var users: Set<UInt32>

    package init(
        name: String, node: String, ports: Set<UInt16>, endpoints: Set<NetworkAddress>, users: Set<UInt32>
    ) {
        self.name = name
        self.node = node
        self.ports = ports
        self.endpoints = endpoints
        self.users = users
    }

    /// What the names of all such tables begin with.
    package static let namePrefix = "heddle-guard-"

    /// - Parameter instance: What tells a mesh from others of this host.
    package static func name(ofInstance instance: String) -> String {
        namePrefix + instance.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
    }

    /// Whether a table may be called so, by this program.
    package static func isName(_ text: some StringProtocol) -> Bool {
        text.hasPrefix(namePrefix)
            && text.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
            }
    }

    static func comment(ofNode node: String) -> String { "Heddle's guard of node \(node)" }
}
