// What each kind names of a host's files: to be read, written, listened at or connected to. All kinds in one place, and none
// without an answer, as who writes manifests that come from elsewhere may name what lies below certain folders alone.
//
// A selector's path is not among them: it is compared with what a process was started from, and never opened for what it holds.

extension ResourceSet {
    /// Every path of a host that a resource names, in no order.
    package var paths: [Located<String>] { all.flatMap(\.paths) }
}

extension Mesh {
    package var paths: [Located<String>] {
        var paths: [Located<String>] = []
        if case .files(let certificate, let key) = identity.authority { paths += [certificate, key] }
        // Where every host has it, whoever writes manifests.
        if workloadSocket.value != Self.defaultWorkloadSocket { paths.append(workloadSocket) }
        return paths + [telemetryListen].socketPaths
    }
}

extension Node {
    package var paths: [Located<String>] { [address, outboundListen].socketPaths }
}

extension Gateway {
    package var paths: [Located<String>] { listeners.compactMap(\.tls).flatMap { [$0.certificateFile, $0.keyFile] } }
}

extension Service {
    package var paths: [Located<String>] { endpoints.map(Optional.some).socketPaths }
}

extension Workload {
    package var paths: [Located<String>] {
        ([address, inboundPlain, outboundListen] + outboundTCP.map(\.listen)).socketPaths
    }
}

extension ConfigSource {
    package var paths: [Located<String>] {
        switch backing {
        case .inline, .environment: []
        case .file(let file): [file.path]
        case .folder(let folder): [folder.path]
        case .http(let http): http.headers.map(\.file) + [http.caFile].compactMap(\.self)
        case .etcd(let etcd):
            [etcd.tls.caFile, etcd.tls.certificate?.certFile, etcd.tls.certificate?.keyFile, etcd.user?.passwordFile]
                .compactMap(\.self)
        }
    }
}

extension Config {
    /// Without what references in an inline schema lead to: those are judged where they are followed.
    package var paths: [Located<String>] {
        var paths: [Located<String>] = []
        if case .file(let path)? = schema { paths.append(path) }
        for projection in projections {
            paths.append(projection.path)
            if case .signalProcess(_, let pidFile)? = projection.onChange { paths.append(pidFile) }
        }
        return paths
    }
}

extension HTTPRoute { package var paths: [Located<String>] { [] } }
extension GRPCRoute { package var paths: [Located<String>] { [] } }
extension TLSRoute { package var paths: [Located<String>] { [] } }
extension TCPRoute { package var paths: [Located<String>] { [] } }
extension AuthorizationPolicy { package var paths: [Located<String>] { [] } }
extension PeerAuthentication { package var paths: [Located<String>] { [] } }

extension [Located<SocketAddress>?] {
    /// Of those that are Unix sockets.
    fileprivate var socketPaths: [Located<String>] {
        compactMap { address in
            guard let address, case .unix(let path) = address.value else { return nil }
            return Located(path, at: address.position)
        }
    }
}
