package import LocalAttestation
package import Manifests

/// A process that asks at the workload socket, as the kernel has it.
package struct WorkloadCaller: Sendable {
    package let credentials: PeerCredentials
    package let process: ProcessHandle
}

/// What came of `heddle exec`.
package enum ExecAnswer: Sendable {
    case started(StartedWorkload)
    /// - status: 403: not by this user; 404: there is no such workload here; 409: it is not started so; 503: not now.
    case refused(status: UInt16, String)
}

/// What a process needs to know that is a workload now.
package struct StartedWorkload: Sendable {
    package let workload: ResourceName
    /// Where it sends its calls of HTTP: `http://127.0.0.1:15101`; `nil`: it has no listener of TCP.
    package let proxy: String?
    /// Where it calls, be it by TCP or not: `127.0.0.1:15101`, `unix:/run/web.sock`; `nil`: it has no listener.
    package let outbound: String?
    /// It is the workload without what it starts.
    package let isAlone: Bool
    /// What it should know, and whoever started it: that it is the workload alone.
    package let warning: String?

    package init(
        workload: ResourceName, proxy: String?, outbound: String? = nil, isAlone: Bool = false, warning: String? = nil
    ) {
        self.workload = workload
        self.proxy = proxy
        self.outbound = outbound
        self.isAlone = isAlone
        self.warning = warning
    }

    /// What it is told in its environment.
    var environment: [(name: String, value: String)] {
        [(name: "HEDDLE_WORKLOAD", value: "\(workload)")] + (proxy.map { [(name: "http_proxy", value: $0)] } ?? [])
    }

    /// What `heddle exec` is told beside: no variables, by their names in small letters.
    var facts: [(name: String, value: String)] {
        (outbound.map { [(name: "outbound", value: $0)] } ?? []) + (isAlone ? [(name: "alone", value: "true")] : [])
    }
}
