extension ResourceKind {
    package static let tcpRoute = Self("TCPRoute")
}

/// Gateway API's TCPRoute: where connections to a TCP service, or to a Gateway's TCP listener, go.
package struct TCPRoute: Resource {
    package static let kind = ResourceKind.tcpRoute
    package var metadata: Metadata
    package var parentRefs: [ParentRef]
    package var rule: ConnectionRule
}
