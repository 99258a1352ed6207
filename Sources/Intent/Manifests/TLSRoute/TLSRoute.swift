extension ResourceKind {
    package static let tlsRoute = Self("TLSRoute")
}

/// Gateway API's TLSRoute: where connections go that a Gateway's TLS listener passes through, by the name in their SNI.
package struct TLSRoute: Resource {
    package static let kind = ResourceKind.tlsRoute
    package var metadata: Metadata
    /// Gateways alone.
    package var parentRefs: [ParentRef]
    /// Names in SNI (RFC 6066 § 3). Empty: every name that the listener has.
    package var hostnames: [Located<HostnamePattern>]
    package var rule: ConnectionRule
}
