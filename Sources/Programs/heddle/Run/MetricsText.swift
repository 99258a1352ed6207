import AdminAPI
import Authorization
import CommonValues
import Cryptography
import Diagnostics
import Forwarding
import NodeServing
import Reconciliation
import Telemetry
import TransportSecurity
import WorkloadIdentity

/// `/metrics`: what the workers, the reconciler and the issuer have counted, in Prometheus' text format.
struct MetricsText {
    let report: WorkerReport
    let labels: LabelRegistry
    let lostAccessLines: UInt64
    let lostLogLines: UInt64
    let connectionLimit: Int
    let reloads: ReloadCounts
    let status: ReconcilerStatus
    let identities: IdentitySnapshot?
    let certificates: [CertificateInUse]
    let heldBack: [Diagnostic]
    let guarding: GuardReport?
    let configs: ConfigMetrics

    struct ReloadCounts: Sendable {
        var served: UInt64 = 0
        var refused: UInt64 = 0
    }

    func render() -> String {
        var text = PrometheusText()
        text.requests(report.metrics, names: labels)
        text.grpc(report.grpc, names: labels)
        connections(&text)
        plainCalls(&text)
        decisions(&text)
        observations(&text)
        generations(&text)
        held(&text)
        guarding(&text)
        configs.write(to: &text)
        certificates(&text)
        return text.text
    }

    private func connections(_ text: inout PrometheusText) {
        let counters = report.counters
        text.metric("heddle_connections", .gauge, help: "Callers' connections that are open.")
        text.sample("heddle_connections", [], UInt64(counters.open))
        text.metric("heddle_connections_accepted_total", .counter, help: "Callers' connections accepted.")
        text.sample("heddle_connections_accepted_total", [], counters.accepted)
        text.metric(
            "heddle_accept_pauses_total", .counter,
            help: "Times accepting paused: there was no room for another connection.")
        text.sample("heddle_accept_pauses_total", [], counters.pauses)
        text.metric("heddle_connection_limit", .gauge, help: "Callers' connections that can be held at once.")
        text.sample("heddle_connection_limit", [], UInt64(connectionLimit))
        text.metric(
            "heddle_connections_closed_for_room_total", .counter,
            help: "Connections without a call closed so that others could be had, by whom they led to.")
        text.metric(
            "heddle_connections_not_attested_total", .counter,
            help: "Connections of processes that are not the workload whose calls are taken there.")
        text.sample("heddle_connections_not_attested_total", [], counters.notAttested)
        for (peer, count) in counters.madeRoom.sorted(by: { $0.key < $1.key }) {
            text.sample("heddle_connections_closed_for_room_total", [(name: "peer", value: peer)], count)
        }
        text.metric("heddle_upstream_connections", .gauge, help: "Connections to endpoints that are open.")
        text.sample("heddle_upstream_connections", [], UInt64(counters.upstream))
        text.metric("heddle_upstream_connects_total", .counter, help: "Connections made to endpoints.")
        text.sample("heddle_upstream_connects_total", [], counters.upstreamConnects)
        text.metric(
            "heddle_refused_requests_total", .counter,
            help: "Messages refused before they were requests, by status code.")
        for (code, count) in counters.refused.sorted(by: { $0.key < $1.key }) {
            text.sample("heddle_refused_requests_total", [(name: "code", value: code == 0 ? "" : "\(code)")], count)
        }
        text.metric(
            "heddle_unreadable_client_addresses_total", .counter,
            help: "Calls whose client a trusted proxy named in no form that is an address.")
        text.sample("heddle_unreadable_client_addresses_total", [], counters.unreadableClientAddresses)
        results(
            &text, "heddle_handshakes_total", "Callers' TLS handshakes that failed, by reason.", counters.handshakes)
        results(
            &text, "heddle_upstream_connect_failures_total",
            "Connections to endpoints that did not come up, by result.",
            Dictionary(counters.upstreamConnectFailures.map { ($0.label, $1) }, uniquingKeysWith: +))
        results(
            &text, "heddle_upstream_handshake_failures_total",
            "TLS handshakes with other nodes that failed, by reason.",
            counters.upstreamHandshakeFailures)
        results(
            &text, "heddle_upstream_alerts_total",
            "Connections in use that other nodes ended with a TLS alert, by reason.", counters.upstreamAlerts)
        text.metric(
            "heddle_http2_limits_exceeded_total", .counter,
            help: "HTTP/2 connections ended because their other side went over a limit, by limit.")
        for (limit, count) in counters.http2Limits.sorted(by: { $0.key < $1.key }) {
            text.sample("heddle_http2_limits_exceeded_total", [(name: "limit", value: limit)], count)
        }
        text.metric(
            "heddle_tls_floods_total", .counter,
            help: "Connections closed because what came over TLS were messages of its own and no data.")
        text.sample("heddle_tls_floods_total", [], counters.tlsFloods)
        text.metric(
            "heddle_expired_connections_total", .counter,
            help: "Connections between nodes cut because their peer's certificate was over and it showed no other.")
        text.sample("heddle_expired_connections_total", [], counters.expiredConnections)
        text.metric(
            "heddle_access_log_dropped_total", .counter,
            help: "Access log lines lost: nobody read them, or they could not be written.")
        text.sample("heddle_access_log_dropped_total", [], lostAccessLines)
        text.metric(
            "heddle_log_dropped_total", .counter,
            help: "Lines of the log lost: nobody read them, or they could not be written.")
        text.sample("heddle_log_dropped_total", [], lostLogLines)
    }

    private func results(_ text: inout PrometheusText, _ name: String, _ help: String, _ counts: [String: UInt64]) {
        text.metric(name, .counter, help: help)
        for (result, count) in counts.sorted(by: { $0.key < $1.key }) {
            text.sample(name, [(name: "result", value: result)], count)
        }
    }

    /// From where they came `status` says: addresses are no labels.
    private func plainCalls(_ text: inout PrometheusText) {
        let name = "heddle_plain_calls_total"
        text.metric(name, .counter, help: "Calls without an identity, in plain, by service.")
        let totals = report.plainCallers.totals.map { (service: labels.name(of: $0.key), count: $0.value) }
        for (service, count) in totals.sorted(by: { $0.service < $1.service }) {
            text.sample(name, [(name: "service", value: service)], count)
        }
    }

    private func decisions(_ text: inout PrometheusText) {
        text.metric(
            "heddle_decisions_total", .counter, help: "Decisions, by the policy that made them and what they were.")
        for index in report.decisions.indices where report.decisions[index] > 0 {
            let policy = labels.name(of: Label(id: UInt32(index / 2)))
            text.sample(
                "heddle_decisions_total",
                [(name: "policy", value: policy), (name: "action", value: index % 2 == 0 ? "allow" : "deny")],
                report.decisions[index])
        }
    }

    private func observations(_ text: inout PrometheusText) {
        let name = "heddle_policy_shadow_total"
        text.metric(
            name, .counter,
            help: "Calls that policies in Shadow and of AUDIT match, by policy and what it would change.")
        for (policy, verdict, count) in report.observed {
            text.sample(
                name, [(name: "policy", value: labels.name(of: policy)), (name: "verdict", value: verdict.name)], count)
        }
    }

    private func generations(_ text: inout PrometheusText) {
        text.metric("heddle_reloads_total", .counter, help: "Changes of the manifests, by what became of them.")
        text.sample("heddle_reloads_total", [(name: "result", value: "served")], reloads.served)
        text.sample("heddle_reloads_total", [(name: "result", value: "refused")], reloads.refused)
        let pending = "heddle_confirmation_pending"
        text.metric(pending, .gauge, help: "Whether the folder was emptied, and waits for somebody to confirm it.")
        text.sample(pending, [], status.pending?.reason == .empty ? 1 : 0)
        guard let serving = status.serving else { return }
        text.metric("heddle_generation", .gauge, help: "The generation that serves.")
        text.sample("heddle_generation", [], serving.generation.number)
        text.metric("heddle_resources", .gauge, help: "Resources of the generation that serves.")
        text.sample("heddle_resources", [], UInt64(serving.resourceCount))
        text.metric(
            "heddle_reload_duration_seconds", .gauge, help: "From the last change's first event to its last worker.")
        let (seconds, attoseconds) = serving.duration.components
        text.sample(
            "heddle_reload_duration_seconds", [],
            PrometheusText.seconds(UInt64(seconds) * 1_000_000 + UInt64(attoseconds / 1_000_000_000_000)))
    }

    private func held(_ text: inout PrometheusText) {
        let name = "heddle_held_back"
        text.metric(name, .gauge, help: "Parts of the set that this host stands in the way of, by what that is.")
        let parts: [(what: String, codes: Set<Diagnostic.Code>)] = [
            ("port", [.cannotListen]), ("name", [.unresolvableName]), ("certificate", [.badCertificate]),
            ("authority", [.cannotIssue]), ("memory", [.cannotServe]), ("telemetry", [.telemetryPort]),
            ("state", [.stateUnavailable]), ("admin", [.adminSocket]),
            ("guard", [.guardDown, .guardSharedUser, .guardedListener]),
        ]
        for (what, codes) in parts {
            text.sample(name, [(name: "what", value: what)], UInt64(heldBack.count { codes.contains($0.code) }))
        }
    }

    private func guarding(_ text: inout PrometheusText) {
        guard let guarding else { return }
        text.metric(
            "heddle_guard_holds", .gauge, help: "Whether nobody gets around the mesh to a workload's plain port.")
        text.sample("heddle_guard_holds", [], guarding.holds ? 1 : 0)
        let refused = "heddle_guard_refused_packets_total"
        text.metric(refused, .counter, help: "Packets to plain ports that the guard refused, by where they came from.")
        text.sample(refused, [(name: "from", value: "local")], guarding.refusedLocal)
        text.sample(refused, [(name: "from", value: "remote")], guarding.refusedRemote)
    }

    private func certificates(_ text: inout PrometheusText) {
        // What is no more wanted may end.
        let others = certificates.compactMap { certificate in certificate.use.map { (use: $0, certificate) } }
            .filter { $0.use != .former }
        if !others.isEmpty {
            let name = "heddle_certificate_not_after_seconds"
            text.metric(name, .gauge, help: "When a certificate ends that is no workload's, by its use and file.")
            for (use, certificate) in others {
                text.sample(
                    name,
                    [
                        (name: "use", value: use.rawValue), (name: "file", value: certificate.name ?? ""),
                        (name: "serial", value: certificate.serial),
                    ], UInt64(clamping: certificate.time.notAfter.seconds))
            }
        }
        guard let identities else { return }
        let svids = identities.identities.sorted { "\($0.key)" < "\($1.key)" }
        let issued = "heddle_certificate_issued_timestamp_seconds"
        text.metric(issued, .gauge, help: "When an identity's certificate was issued.")
        for (id, svid) in svids {
            text.sample(issued, [(name: "spiffe_id", value: "\(id)")], UInt64(clamping: svid.issuedAt.seconds))
        }
        let name = "heddle_certificate_expiry_timestamp_seconds"
        text.metric(name, .gauge, help: "When an identity's certificate ends.")
        for (id, svid) in svids {
            text.sample(name, [(name: "spiffe_id", value: "\(id)")], UInt64(svid.notAfter.seconds))
        }
        if let end = identities.authority.first?.notAfter {
            text.metric(
                "heddle_authority_expiry_timestamp_seconds", .gauge, help: "When the authority's certificate ends.")
            text.sample("heddle_authority_expiry_timestamp_seconds", [], UInt64(clamping: end.seconds))
        }
    }
}
