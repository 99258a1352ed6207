package import SPIFFE

/// A caller as people name it.
package enum CallerName {
    /// A SPIFFE ID, or a service account of this mesh: `namespace/name`, or `name` in the namespace `default`.
    /// - Parameter trustDomain: the mesh's; `nil`: only whole IDs are known.
    /// - Returns: `nil` if it is neither.
    package static func spiffeID(_ text: String, trustDomain: TrustDomain?) -> SPIFFEID? {
        if text.hasPrefix("spiffe://") { return SPIFFEID(text) }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let trustDomain, parts.count <= 2, parts.allSatisfy(isLabel) else { return nil }
        return SPIFFEID(
            trustDomain: trustDomain, namespace: parts.count == 2 ? parts[0] : "default",
            serviceAccount: parts[parts.count - 1])
    }

    /// A DNS label (RFC 1123 § 2.1), as manifests have it for names.
    private static func isLabel(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "-")
            && text.utf8.last != UInt8(ascii: "-")
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
