import CommonValues
import Diagnostics

/// What a running mesh says of itself.
package struct StatusReport: Sendable {
    /// `heddle version`'s number.
    package var version: String
    /// The node this process is; `nil` in a mesh of one host.
    package var node: String?
    package var trustDomain: String
    /// The folder that is watched.
    package var manifestsFolder: String
    package var startedAt: UnixTime
    /// `nil` until the first generation serves.
    package var serving: ServingReport?
    /// The last attempt, if it was refused; `nil` once what lies in the folder serves.
    package var refused: RefusalReport?
    /// Set while a change waits because it takes much away.
    package var pending: PendingReport?
    package var watching: WatchReport
    /// What is watched otherwise than by its folder.
    package var watchedAlone: [WatchedAloneReport]
    /// Trouble that refuses nothing, such as a state file that cannot be written, or a port that is taken.
    package var problems: [Diagnostic]
    /// `nil` until the first generation serves.
    package var connections: ConnectionsReport?
    /// Of each log that has lost any.
    package var lostLines: [LostLinesReport]
    package var listeners: [ListenerReport]
    /// One for each service account of this node.
    package var certificates: [CertificateFacts]
    /// The authority's and the Gateways'.
    package var otherCertificates: [OtherCertificateFacts]

    package init(
        version: String, node: String?, trustDomain: String, manifestsFolder: String, startedAt: UnixTime,
        serving: ServingReport?, refused: RefusalReport?, pending: PendingReport?, watching: WatchReport,
        watchedAlone: [WatchedAloneReport] = [], problems: [Diagnostic] = [], connections: ConnectionsReport? = nil,
        lostLines: [LostLinesReport] = [], listeners: [ListenerReport], certificates: [CertificateFacts],
        otherCertificates: [OtherCertificateFacts] = []
    ) {
        self.version = version
        self.node = node
        self.trustDomain = trustDomain
        self.manifestsFolder = manifestsFolder
        self.startedAt = startedAt
        self.serving = serving
        self.refused = refused
        self.pending = pending
        self.watching = watching
        self.watchedAlone = watchedAlone
        self.problems = problems
        self.connections = connections
        self.lostLines = lostLines
        self.listeners = listeners
        self.certificates = certificates
        self.otherCertificates = otherCertificates
    }
}

/// Connections that are held now.
package struct ConnectionsReport: Sendable {
    /// Of callers.
    package var open: Int
    /// Of callers, at most.
    package var limit: Int
    /// To endpoints.
    package var upstream: Int

    package init(open: Int, limit: Int, upstream: Int) {
        self.open = open
        self.limit = limit
        self.upstream = upstream
    }
}

/// Lines of a log that nobody will read.
package struct LostLinesReport: Sendable {
    /// `access log` or `log`.
    package var log: String
    /// Since the process began.
    package var count: UInt64
    /// When the last of them was lost.
    package var lastAt: UnixTime

    package init(log: String, count: UInt64, lastAt: UnixTime) {
        self.log = log
        self.count = count
        self.lastAt = lastAt
    }
}

/// The generation that serves.
package struct ServingReport: Sendable {
    package var generation: UInt64
    /// Of all manifests, in hexadecimal.
    package var hash: String
    package var appliedAt: UnixTime
    /// From the first event of the change to the last worker's commit.
    package var duration: Duration
    package var resourceCount: Int
    package var fileCount: Int
    /// What lay in the folder at start was wrong, and the last good set of an earlier run serves instead.
    package var isLastGood: Bool
    package var warnings: [Diagnostic]

    package init(
        generation: UInt64, hash: String, appliedAt: UnixTime, duration: Duration, resourceCount: Int, fileCount: Int,
        isLastGood: Bool, warnings: [Diagnostic]
    ) {
        self.generation = generation
        self.hash = hash
        self.appliedAt = appliedAt
        self.duration = duration
        self.resourceCount = resourceCount
        self.fileCount = fileCount
        self.isLastGood = isLastGood
        self.warnings = warnings
    }
}

/// Why what lies in the folder does not serve.
package struct RefusalReport: Sendable {
    package var hash: String
    package var at: UnixTime
    package var diagnostics: [Diagnostic]

    package init(hash: String, at: UnixTime, diagnostics: [Diagnostic]) {
        self.hash = hash
        self.at = at
        self.diagnostics = diagnostics
    }
}

/// A change that waits because it takes much away.
package struct PendingReport: Sendable {
    /// No resource is left: taken up only by `heddle apply --prune`. Otherwise more than half of them are gone, and a
    /// second reading, 1 s later, must say the same.
    package var isEmpty: Bool
    package var since: UnixTime
    package var resourceCount: Int
    package var servedResourceCount: Int

    package init(isEmpty: Bool, since: UnixTime, resourceCount: Int, servedResourceCount: Int) {
        self.isEmpty = isEmpty
        self.since = since
        self.resourceCount = resourceCount
        self.servedResourceCount = servedResourceCount
    }
}

/// How changes are noticed.
package enum WatchReport: Sendable {
    case inotify
    /// - Parameter because: for people: `the folder lies on NFS, …`.
    case polling(every: Duration, because: String)
}

/// A file or folder that is not told of enough by the folders around it.
package struct WatchedAloneReport: Sendable {
    package enum Reason: Sendable {
        case mountPoint, severalNames
        /// - Parameter why: For people.
        case unwatchable(_ why: String)
    }

    /// A manifest's, relative to the folder; of anything else, absolute.
    package var path: String
    package var reason: Reason
    /// It is looked at every second; otherwise the kernel tells of it.
    package var isPolled: Bool

    package init(path: String, reason: Reason, isPolled: Bool) {
        self.path = path
        self.reason = reason
        self.isPolled = isPolled
    }
}

package struct ListenerReport: Sendable {
    /// `Workload shop/web-1`, `Gateway edge/http`, `Node a`, `Mesh telemetry`.
    package var owner: String
    /// `127.0.0.1:15101`, `unix:/run/web.sock`.
    package var address: String
    /// This host stands in its way: nothing is taken there. `problems` say why.
    package var isHeldBack: Bool
    /// Those of a Gateway's listeners there whose certificate is held back: their hostnames are not served.
    package var withoutCertificate: [String]
    /// Connections held now.
    package var connections: Int?

    package init(
        owner: String, address: String, isHeldBack: Bool = false, withoutCertificate: [String] = [],
        connections: Int? = nil
    ) {
        self.owner = owner
        self.address = address
        self.isHeldBack = isHeldBack
        self.withoutCertificate = withoutCertificate
        self.connections = connections
    }
}
