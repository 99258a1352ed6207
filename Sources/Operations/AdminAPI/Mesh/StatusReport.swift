package import CommonValues
package import Diagnostics
package import Manifests
package import Reconciliation

/// What a running mesh says of itself.
package struct StatusReport: Sendable {
    /// `heddle version`'s number.
    package var version: String
    /// The node this process is; `nil` in a mesh of one host.
    package var node: String?
    package var trustDomain: String
    /// The folder that is watched, or the address of what is instead.
    package var manifestsFolder: String
    /// Of a mesh whose manifests come as sets: the one that serves; `nil`: it is none that is known by name.
    package var set: ServedSet?
    package var startedAt: UnixTime
    /// What is in flight is answered, and nothing new is taken.
    package var isDraining: Bool
    /// What serves, what was refused or waits, and how changes are noticed.
    package var reconciliation: ReconcilerStatus
    /// What is to be said now of the generation that serves.
    package var warnings: [Diagnostic]
    /// Trouble that refuses nothing, such as a state file that cannot be written, or a port that is taken.
    package var problems: [Diagnostic]
    /// `nil` until the first generation serves.
    package var connections: ConnectionsReport?
    /// Of each log that has lost any.
    package var lostLines: [LostLinesReport]
    package var listeners: [ListenerReport]
    /// One for each service with a port of this node for plain calls.
    package var plainCallers: [PlainCallersReport]
    /// Configs that are held at a past value.
    package var pinnedConfigs: [PinnedConfigReport]
    /// `nil`: the node has none.
    package var guarding: GuardReport?
    /// `nil`: no workload can be started there.
    package var workloadSocket: WorkloadSocketReport?
    /// What `heddle exec` has started that runs.
    package var programs: [ProgramReport]
    /// One for each service account of this node.
    package var certificates: [CertificateFacts]
    /// The authority's and the Gateways'.
    package var otherCertificates: [OtherCertificateFacts]

    package init(
        version: String, node: String?, trustDomain: String, manifestsFolder: String, set: ServedSet? = nil,
        startedAt: UnixTime,
        isDraining: Bool = false, reconciliation: ReconcilerStatus, warnings: [Diagnostic] = [],
        problems: [Diagnostic] = [],
        connections: ConnectionsReport? = nil, lostLines: [LostLinesReport] = [], listeners: [ListenerReport],
        plainCallers: [PlainCallersReport] = [], pinnedConfigs: [PinnedConfigReport] = [], guarding: GuardReport? = nil,
        workloadSocket: WorkloadSocketReport? = nil, programs: [ProgramReport] = [],
        certificates: [CertificateFacts],
        otherCertificates: [OtherCertificateFacts] = []
    ) {
        self.version = version
        self.node = node
        self.trustDomain = trustDomain
        self.manifestsFolder = manifestsFolder
        self.set = set
        self.startedAt = startedAt
        self.isDraining = isDraining
        self.reconciliation = reconciliation
        self.warnings = warnings
        self.problems = problems
        self.connections = connections
        self.lostLines = lostLines
        self.listeners = listeners
        self.plainCallers = plainCallers
        self.pinnedConfigs = pinnedConfigs
        self.guarding = guarding
        self.workloadSocket = workloadSocket
        self.programs = programs
        self.certificates = certificates
        self.otherCertificates = otherCertificates
    }
}

/// A set of manifests that was pushed.
package struct ServedSet: Sendable {
    /// All 64 digits.
    package var hash: String
    package var pushedAt: UnixTime

    package init(hash: String, pushedAt: UnixTime) {
        self.hash = hash
        self.pushedAt = pushedAt
    }
}

/// What keeps others from the plain ports of this node's workloads.
package struct GuardReport: Sendable {
    /// Whether the kernel holds it, and it keeps out whom it should; why not is told among the problems.
    package var holds: Bool
    /// Of the host's packet filter.
    package var table: String
    /// How many are guarded.
    package var portCount: Int
    /// Who may connect, by number.
    package var users: [UInt32]
    /// Packets refused since the table was made, of this host's processes.
    package var refusedLocal: UInt64
    /// The same of others.
    package var refusedRemote: UInt64

    package init(
        holds: Bool, table: String, portCount: Int, users: [UInt32], refusedLocal: UInt64, refusedRemote: UInt64
    ) {
        self.holds = holds
        self.table = table
        self.portCount = portCount
        self.users = users
        self.refusedLocal = refusedLocal
        self.refusedRemote = refusedRemote
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

/// Where processes of this host ask.
package struct WorkloadSocketReport: Sendable {
    package var path: String
    /// It cannot be had: `problems` say why.
    package var isHeldBack: Bool

    package init(path: String, isHeldBack: Bool) {
        self.path = path
        self.isHeldBack = isHeldBack
    }
}

/// The programs that are one workload.
package struct ProgramReport: Sendable {
    package var workload: ResourceName
    /// From the lowest.
    package var pids: [Int32]
    /// How many of them are the workload alone, without what they start.
    package var aloneCount: Int

    package init(workload: ResourceName, pids: [Int32], aloneCount: Int = 0) {
        self.workload = workload
        self.pids = pids
        self.aloneCount = aloneCount
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
