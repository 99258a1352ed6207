/// The Mesh of the nodes `a` and `b`, which have one authority, and the two: what manifests of them begin with.
package enum TwoNodeMesh {
    /// - Parameters:
    ///   - a: Where this node takes calls from the other.
    ///   - proxy: Of the Mesh's spec, as the fields of a flow mapping.
    ///   - identity: The same, besides the authority.
    ///   - authority: Its files, without `.pem` and `.key`.
    package static func manifests(
        a: UInt16 = TestPort.free(), b: UInt16, proxy: String, identity: String = "", authority: String = "authority"
    ) -> String {
        """
        apiVersion: heddle/v1
        kind: Mesh
        metadata: {name: mesh}
        spec:
          proxy: {\(proxy)}
          identity:
            authority: {type: Files, certificateFile: "\(authority).pem", keyFile: "\(authority).key"}
            \(identity)
        ---
        apiVersion: heddle/v1
        kind: Node
        metadata: {name: a}
        spec: {address: "127.0.0.1:\(a)"}
        ---
        apiVersion: heddle/v1
        kind: Node
        metadata: {name: b}
        spec: {address: "127.0.0.1:\(b)"}
        """
    }
}
