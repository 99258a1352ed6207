/// Every kind that manifests may have: a folder each, and a line here.
package enum Kinds {
    package static let all = KindRegistry([
        Mesh.descriptor,
        Node.descriptor,
        Service.descriptor,
        Workload.descriptor,
        Gateway.descriptor,
        HTTPRoute.descriptor,
        GRPCRoute.descriptor,
        TCPRoute.descriptor,
        TLSRoute.descriptor,
        AuthorizationPolicy.descriptor,
        PeerAuthentication.descriptor,
        ConfigSource.descriptor,
        Config.descriptor,
    ])
}
