import Diagnostics

/// The host itself, where it is to be a Node of a mesh.
package struct FirstNode {
    let name: String
    /// `host:port`; `nil`: one at which nobody else reaches it.
    let address: String?

    package init(name: String, address: String?) {
        self.name = name
        self.address = address
    }

    /// Where all processes of the host send their calls to.
    func outboundPort(past taken: Set<UInt16>) -> UInt16 { Self.free(from: 15_001, past: taken) }

    /// Its manifest.
    package func text(past taken: Set<UInt16> = []) -> String {
        let port = outboundPort(past: taken)
        let place =
            address == nil
            ? "  # Where other nodes reach this one: none does at this address. Put this host's here before there are others."
            : "  # Where other nodes reach this one."
        return """
            # This host: served by "heddle run --node \(name.printable)".
            apiVersion: heddle/v1
            kind: Node
            metadata:
              name: \(Self.quoted(name))
            spec:
            \(place)
              address: \(Self.quoted(address ?? "127.0.0.1:\(Self.free(from: 15_008, past: taken))"))
              outbound:
                # Where every process of this host sends its calls to, naming a service in Host: http_proxy=http://127.0.0.1:\(port)
                # It calls as the Workload whose selectors it matches.
                listen: "127.0.0.1:\(port)"
              # Nobody but Heddle connects to the ports of these services any more, once this line is no comment: when their callers come
              # through Heddle. It needs CAP_NET_ADMIN, the package nftables, and a user that is Heddle's alone.
              #guard: {}

            """
    }

    private static func free(from first: UInt16, past taken: Set<UInt16>) -> UInt16 {
        (first...32_767).first { !taken.contains($0) && $0 <= first + 6 } ?? first
    }

    private static func quoted(_ text: String) -> String { JSONValue.string(text).rendered() }
}
