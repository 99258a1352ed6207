package import SPIFFE

extension ResourceKind {
    package static let mesh = Self("Mesh", scope: .single)
}

/// One a mesh: trust domain, default action, identity authority, proxy and telemetry settings.
package struct Mesh: Resource {
    package static let kind = ResourceKind.mesh
    package var metadata: Metadata
    package var trustDomain: TrustDomain
    /// What happens to a call that no policy decides. Default: `.deny`.
    package var defaultAction: DefaultAction
    package var identity: IdentitySettings
    package var proxy: ProxySettings
    /// Where `/metrics`, `/healthz` and `/readyz` are served: a loopback address; absent: not at all.
    package var telemetryListen: Located<SocketAddress>?
    /// Where workloads of a host ask this mesh: the path of a Unix socket. Default: `/run/heddle/workload.sock`.
    package var workloadSocket: Located<String>

    package static let defaultWorkloadSocket = "/run/heddle/workload.sock"
}

package enum DefaultAction: String, Hashable, Sendable, CaseIterable {
    case deny = "Deny"
    case allow = "Allow"
}

package struct IdentitySettings: Hashable, Sendable {
    /// Lifetime of an X.509-SVID: 30 s to 24 h. Default: 1 h.
    package var svidTTL: Duration
    package var authority: AuthoritySource
    /// Whether each workload that calls others must say what a process must be to be it. Default: no.
    package var requiresSelectors: Bool
}

package enum AuthoritySource: Hashable, Sendable {
    /// A root made on first run and kept in the state folder.
    case builtIn
    /// An authority of the operator's, the same on every node. Paths are absolute, or relative to the manifests folder.
    case files(certificateFile: Located<String>, keyFile: Located<String>)
}

package struct ProxySettings: Hashable, Sendable {
    /// Worker threads, 1 to 256. Default: `nil`, one a core.
    package var workers: Int?
    package var limits: ProxyLimits
    package var timeouts: ProxyTimeouts
    package var accessLog: AccessLog
    /// How often names in addresses are looked up again: 1 s to 24 h. Default: 30 s.
    package var nameRefresh: Duration

    package init(
        workers: Int? = nil, limits: ProxyLimits = ProxyLimits(), timeouts: ProxyTimeouts = ProxyTimeouts(),
        accessLog: AccessLog = .failures, nameRefresh: Duration = .seconds(30)
    ) {
        self.workers = workers
        self.limits = limits
        self.timeouts = timeouts
        self.accessLog = accessLog
        self.nameRefresh = nameRefresh
    }
}

package enum AccessLog: String, Hashable, Sendable, CaseIterable {
    case none = "None"
    case failures = "Failures"
    case all = "All"
}

/// What one node lets others use of it. Every field is optional in the manifest.
package struct ProxyLimits: Hashable, Sendable {
    /// Bytes of a head, request line included: 1 KiB to 1 MiB. Over it: 431 (502 for a response). Default: 64 KiB.
    package var headerBytes = 64 * 1024
    /// Fields of a head: 1 to 1,000. Over it: 431. Default: 100.
    package var headerCount = 100
    /// Bytes of a request target: 256 to 64 KiB. Over it: 414. Default: 8 KiB.
    package var targetBytes = 8 * 1024
    /// Connections a node accepts and holds: 1 to 1,000,000. Over it, accepting pauses. Default: 100,000.
    package var connections = 100_000
    /// Requests one connection may carry: 1 to 1,000,000,000. The last one's answer says `Connection: close`. Default: 1,000,000.
    package var requestsPerConnection = 1_000_000
    /// Idle connections kept to one endpoint and worker: 0 to 10,000. Default: 256.
    package var idleUpstreamConnections = 256
    package var http2 = HTTP2ConnectionLimits()

    package init() {}
}

/// What one HTTP/2 connection's other side may ask for. Over all but the first, and the windows: GOAWAY with ENHANCE_YOUR_CALM.
package struct HTTP2ConnectionLimits: Hashable, Sendable {
    /// Streams at a time: 1 to 10,000. Over it a stream is refused. Default: 100.
    package var concurrentStreams = 100
    /// Streams that it resets at once, or makes us reset, in 30 s: 1 to 1,000,000. Default: 1,000.
    package var resets = 1_000
    /// SETTINGS frames in 30 s: 1 to 1,000,000. Default: 100.
    package var settings = 100
    /// PING frames in 30 s: 1 to 1,000,000. Default: 300.
    package var pings = 300
    /// DATA frames in 30 s that hold nothing and end nothing: 1 to 1,000,000. Default: 1,000.
    package var emptyData = 1_000
    /// Answers to SETTINGS and PING that wait to be read: 1 to 10,000. Default: 100.
    package var queuedAcknowledgements = 100
    /// Bytes of a stream that may be on their way at first; grows with the path up to 4 MiB: 65,535 to 4 MiB. Default: 256 KiB.
    package var streamWindow = 256 * 1024
    /// The same for all streams of a connection; up to 8 MiB: 65,535 to 8 MiB. Default: 1 MiB.
    package var connectionWindow = 1024 * 1024

    package init() {}
}

/// All between 1 ms and 24 h.
package struct ProxyTimeouts: Hashable, Sendable {
    /// From a connection's first byte of a head to its last. Over it: 408. Default: 10 s.
    package var requestHead = Duration.seconds(10)
    /// Without a byte from the caller while a body is expected: 408. Default: 60 s.
    package var requestBody = Duration.seconds(60)
    /// A connection without a request. Default: 75 s.
    package var idle = Duration.seconds(75)
    /// For a connection to an endpoint to come up, TLS and the SETTINGS of HTTP/2 included. Over it the next endpoint is tried. Default: 5 s.
    package var connect = Duration.seconds(5)
    /// From the whole request to the response's head, where the route names none. Over it: 504. Default: 60 s.
    package var response = Duration.seconds(60)
    /// Without progress on a response that is under way, on either side. Default: 60 s.
    package var stream = Duration.seconds(60)
    /// For a TLS handshake with a caller. Default: 10 s.
    package var handshake = Duration.seconds(10)
    /// For an idle connection to an endpoint. Default: 60 s.
    package var upstreamIdle = Duration.seconds(60)
    /// Without a byte on a connection of HTTP/2 to a workload or another endpoint, with calls under way, before it is asked for a
    /// sign of life. Below 5 min servers of gRPC may end the connection. Default: 330 s.
    package var keepalive = Duration.seconds(330)
    /// For a TCP connection or a WebSocket on which nothing goes either way. Default: 1 h.
    package var tunnelIdle = Duration.seconds(3600)
    /// From SIGTERM to the end of the last call. Default: 30 s.
    package var drain = Duration.seconds(30)

    package init() {}
}
