package import SPIFFE

/// One verified identity, made once a connection or outbound listener and borrowed by every decision about its calls.
/// An identity is data: it is compared byte by byte and never becomes part of a pattern.
package final class Caller: Sendable {
    package let id: SPIFFEID
    /// Where the ID has the form of a service account's: `/ns/<namespace>/sa/<name>`.
    package let serviceAccountName: (namespace: String, name: String)?

    /// The whole ID, as `x-heddle-caller` and the access log print it: `spiffe://mesh.local/ns/shop/sa/web`.
    package let principal: [UInt8]
    let trustDomain: [UInt8]
    /// Empty where the ID is not a service account's; a namespace and an account are never empty.
    let namespace: [UInt8]
    /// `shop/web`; empty where the ID is not a service account's.
    let serviceAccount: [UInt8]

    /// What a program's index looks the identity up by.
    let principalHash: UInt64
    let trustDomainHash: UInt64
    let namespaceHash: UInt64
    let serviceAccountHash: UInt64

    package init(_ id: SPIFFEID) {
        self.id = id
        serviceAccountName = id.serviceAccount
        principal = Array(id.description.utf8)
        trustDomain = Array(id.trustDomain.name.utf8)
        if let account = id.serviceAccount {
            namespace = Array(account.namespace.utf8)
            serviceAccount = Array("\(account.namespace)/\(account.name)".utf8)
        } else {
            namespace = []
            serviceAccount = []
        }
        principalHash = RollingHash.of(principal)
        trustDomainHash = RollingHash.of(trustDomain)
        namespaceHash = RollingHash.of(namespace)
        serviceAccountHash = RollingHash.of(serviceAccount)
    }
}
