import CommonValues
import Diagnostics
import Manifests
import MeshSnapshot
import Reconciliation

/// What `heddle status` shows: what the process says of itself, with the services of what it serves.
struct StatusView {
    let status: StatusReport
    let snapshot: MeshSnapshot?

    private var reconciliation: ReconcilerStatus { status.reconciliation }

    var json: JSONValue {
        var json = JSONMembers()
        json.add("version", status.version)
        json.add("node", status.node)
        json.add("trustDomain", status.trustDomain)
        json.add("manifests", status.manifestsFolder)
        json.add("set", status.set?.json)
        json.add("startedAt", "\(status.startedAt)")
        json.add("draining", .bool(status.isDraining))
        json.add("serving", reconciliation.serving?.json(warnings: status.warnings))
        json.add("refused", reconciliation.refused?.json)
        json.add("pending", reconciliation.pending?.json)
        json.add("watching", reconciliation.watching.json)
        // Not a list for each of thousands of hard links.
        json.add("watchedAlone", .array(reconciliation.watchedAlone.prefix(Self.watchedAloneLimit).map(\.json)))
        json.add("problemCount", .integer(status.problems.count))
        json.addList("problems", ShownDiagnostics(status.problems).shown.map(\.json))
        json.add("connections", status.connections?.json)
        json.addList("lostLines", status.lostLines.map(\.json))
        json.addList("listeners", status.listeners.map(\.json))
        json.addList("plainCallers", PlainCallersView(reports: status.plainCallers).json)
        json.addList("pinnedConfigs", status.pinnedConfigs.map(\.json))
        json.add("guard", status.guarding?.json)
        json.add("workloadSocket", status.workloadSocket?.json)
        json.add("programCount", .integer(status.programs.reduce(0) { $0 + $1.pids.count }))
        json.addList("programs", status.programs.prefix(Self.programLimit).map(\.json))
        json.addList("services", services.map(\.json))
        json.addList("certificates", status.certificates.map(\.json))
        json.addList("otherCertificates", status.otherCertificates.map(\.json))
        return json.json
    }

    /// - Parameters:
    ///   - refusal: the last attempt's mistakes, rendered; as `problems` and `warnings` are.
    func text(refusal: String, problems: String = "", warnings: String = "") -> String {
        var fields = TextFields()
        if status.isDraining { fields.add("draining", "what is in flight is answered, and nothing new is taken") }
        if let serving = reconciliation.serving {
            fields.add(
                "generation",
                "\(serving.generation.number)"
                    + (serving.source == .lastGood ? " (last good set of an earlier run)" : "")
            )
            fields.add("hash", serving.generation.hash)
            fields.add("applied", "\(serving.appliedAt), in \(serving.duration.milliseconds)")
            fields.add(
                "resources",
                "\(serving.resourceCount), in \(serving.fileCount) \(serving.fileCount == 1 ? "file" : "files")")
        } else {
            fields.add("generation", "none serves yet")
        }
        fields.add("manifests", "\(status.manifestsFolder.printable), \(reconciliation.watching.text)")
        fields.add("set", status.set.map { "\($0.hash.prefix(12)), pushed \($0.pushedAt)" })
        fields.add("node", status.node)
        fields.add("trust domain", status.trustDomain)
        fields.add("connections", status.connections?.text)
        fields.add("guard", status.guarding?.text)
        for pinned in status.pinnedConfigs { fields.add("config", pinned.text) }
        for lost in status.lostLines { fields.add("lost lines", lost.text) }
        fields.add("workload socket", status.workloadSocket.map { $0.path + ($0.isHeldBack ? " (held back)" : "") })
        fields.add("version", status.version)
        fields.add("started", "\(status.startedAt)")
        var text = fields.rendered()
        if let refused = reconciliation.refused {
            text += "\nThe last attempt, at \(refused.at), was refused:\n" + refusal
        }
        if let pending = reconciliation.pending { text += "\n\(pending.text)\n" }
        for diagnostics in [problems, warnings] where !diagnostics.isEmpty { text += "\n" + diagnostics }
        text += tables
        return text
    }

    /// Places that are listed.
    private static let watchedAloneLimit = 20

    /// Workloads whose programs are listed.
    private static let programLimit = 20

    private var programs: String {
        guard !status.programs.isEmpty else { return "" }
        var table = TextTable(["WORKLOAD", "STARTED", "PIDS"])
        for program in status.programs.prefix(Self.programLimit) {
            table.add(["\(program.workload)", program.countText, program.pidText])
        }
        var text = "\n" + table.rendered()
        let rest = status.programs.dropFirst(Self.programLimit)
        if !rest.isEmpty { text += "and \(rest.reduce(0) { $0 + $1.pids.count }) of \(rest.count) more\n" }
        if status.programs.contains(where: { $0.aloneCount > 0 }) {
            text += "alone: no control groups here, so that what such a process starts is not the workload\n"
        }
        return text
    }

    private var tables: String {
        var text = ""
        if !reconciliation.watchedAlone.isEmpty {
            var table = TextTable(["WATCHED BY ITSELF", "HOW", "BECAUSE"])
            for place in reconciliation.watchedAlone.prefix(Self.watchedAloneLimit) {
                table.add([place.path.printable, place.how, place.why])
            }
            text += "\n" + table.rendered()
            let rest = reconciliation.watchedAlone.count - Self.watchedAloneLimit
            if rest > 0 { text += "and \(rest) more\n" }
        }
        if !status.listeners.isEmpty {
            var table = TextTable(["LISTENER", "OWNER"])
            for listener in status.listeners {
                table.add([listener.address, listener.text])
            }
            text += "\n" + table.rendered()
        }
        text += programs
        text += PlainCallersView(reports: status.plainCallers).text
        if !services.isEmpty {
            var table = TextTable(["SERVICE", "ENDPOINTS"])
            for service in services {
                table.add(["\(service.name)", service.endpoints.map(\.text).joined(separator: ", ")])
            }
            text += "\n" + table.rendered()
        }
        if !status.certificates.isEmpty {
            var table = TextTable(["CERTIFICATE", "SERIAL", "NOT AFTER", "STATE"])
            for certificate in status.certificates {
                table.add([certificate.spiffeID] + Self.cells(certificate.serial, certificate.time, certificate.at))
            }
            text += "\n" + table.rendered()
        }
        if !status.otherCertificates.isEmpty {
            var table = TextTable(["USE", "FILE", "SERIAL", "NOT AFTER", "STATE"])
            for certificate in status.otherCertificates {
                table.add(
                    [certificate.use.rawValue, certificate.file?.printable ?? "(state folder)"]
                        + Self.cells(certificate.serial, certificate.time, certificate.at, certificate.use))
            }
            text += "\n" + table.rendered()
        }
        return text
    }

    private static func cells(
        _ serial: String, _ time: CertificateTime, _ now: UnixTime, _ use: CertificateUse? = nil
    ) -> [String] {
        [
            serial, "\(time.notAfter)",
            use == .former ? "gone from the file, trusted until then" : time.summary(at: now),
        ]
    }

    private var services: [ServiceReport] {
        guard let snapshot else { return [] }
        return snapshot.services.map { ServiceReport($0.metadata.name, in: snapshot) }
    }
}

/// Where a service is reached.
struct ServiceReport {
    struct Endpoint {
        let address: String
        let node: String?
        let isOutside: Bool

        var text: String {
            isOutside ? "\(address) (outside)" : node.map { "\(address) (node \($0))" } ?? address
        }

        var json: JSONValue {
            var json = JSONMembers()
            json.add("address", address)
            json.add("node", node)
            json.add("outside", .bool(isOutside))
            return json.json
        }
    }

    let name: ResourceName
    let endpoints: [Endpoint]

    init(_ name: ResourceName, in snapshot: MeshSnapshot) {
        self.name = name
        endpoints =
            snapshot.workloads(of: name).compactMap { workload in
                workload.address.map { Endpoint(address: "\($0.value)", node: workload.node?.value, isOutside: false) }
            }
            + (snapshot.services[name]?.endpoints ?? [])
            .map { Endpoint(address: "\($0.value)", node: nil, isOutside: true) }
    }

    var json: JSONValue {
        [
            "namespace": .string(name.namespace), "name": .string(name.name),
            "endpoints": .array(endpoints.map(\.json)),
        ]
    }
}

extension Duration {
    /// `3.2 ms`.
    fileprivate var milliseconds: String { "\(millisecondCount) ms" }

    fileprivate var millisecondCount: Double {
        let (seconds, attoseconds) = components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        return Double(microseconds / 100) / 10
    }
}

extension ConnectionsReport {
    fileprivate var json: JSONValue {
        ["open": .integer(open), "limit": .integer(limit), "upstream": .integer(upstream)]
    }

    fileprivate var text: String { "\(open) of callers (\(limit) at most), \(upstream) to endpoints" }
}

extension GuardReport {
    var json: JSONValue {
        [
            "holds": .bool(holds), "table": .string(table), "ports": .integer(portCount),
            "users": .array(users.map { .integer(Int($0)) }),
            "refusedPackets": [
                "local": .integer(Int(clamping: refusedLocal)), "remote": .integer(Int(clamping: refusedRemote)),
            ],
        ]
    }

    var text: String {
        let users = users.map { "\($0)" }.joined(separator: ", ")
        return (holds ? "holds" : "DOES NOT HOLD (see below)")
            + ": \(portCount) \(portCount == 1 ? "port" : "ports"), open to user \(users); packets refused "
            + "until the last look: \(refusedLocal) of this host, \(refusedRemote) of others (table inet \(table))"
    }
}

extension LostLinesReport {
    fileprivate var json: JSONValue {
        ["log": .string(log), "lines": .integer(Int(clamping: count)), "lastAt": .string("\(lastAt)")]
    }

    fileprivate var text: String { "\(count) of the \(log), the last at \(lastAt)" }
}

extension ServedGeneration {
    fileprivate func json(warnings: [Diagnostic]) -> JSONValue {
        [
            "generation": .integer(Int(clamping: generation.number)), "hash": .string(generation.hash),
            "appliedAt": .string("\(appliedAt)"),
            "durationMilliseconds": .double(duration.millisecondCount), "resources": .integer(resourceCount),
            "files": .integer(fileCount), "lastGood": .bool(source == .lastGood),
            "warningCount": .integer(warnings.count),
            "warnings": ShownDiagnostics(warnings).json,
        ]
    }
}

extension RefusedAttempt {
    fileprivate var json: JSONValue {
        [
            "at": .string("\(at)"), "hash": .string(hash), "diagnosticCount": .integer(diagnostics.count),
            "diagnostics": ShownDiagnostics(diagnostics).json,
        ]
    }
}

extension PendingConfirmation {
    fileprivate var json: JSONValue {
        [
            "reason": reason == .empty ? "empty" : "half-lost", "since": .string("\(since)"),
            "resources": .integer(resourceCount),
            "servedResources": .integer(servedResourceCount),
        ]
    }

    fileprivate var text: String {
        reason == .empty
            ? "Since \(since) there are no manifests; \(servedResourceCount) "
                + "\(servedResourceCount == 1 ? "resource serves still" : "resources serve still"). "
                + "If that is meant, confirm it with: heddle apply --prune"
            : "Since \(since) there are \(resourceCount) resources instead of \(servedResourceCount); "
                + "it is taken up if it stays so."
    }
}

extension ServedSet {
    fileprivate var json: JSONValue { ["hash": .string(hash), "pushedAt": .string("\(pushedAt)")] }
}

extension WatchMode {
    fileprivate var json: JSONValue {
        switch self {
        case .inotify: ["mode": "inotify"]
        case .etcd: ["mode": "etcd"]
        case .polling(let interval, let reason):
            [
                "mode": "polling", "everyMilliseconds": .double(interval.millisecondCount),
                "because": .string(reason.explanation),
            ]
        }
    }

    fileprivate var text: String {
        switch self {
        case .inotify, .etcd: "watched"
        case .polling(let interval, let reason): "polled every \(interval.manifestText), because \(reason.explanation)"
        }
    }
}

extension WatchedAlone {
    fileprivate var how: String { isPolled ? "polled" : "announced" }

    fileprivate var why: String {
        switch reason {
        case .mountPoint: "something is mounted there"
        case .severalNames: "the file has other names, too"
        case .unwatchable(let why): "the folder cannot be watched (\(why))"
        }
    }

    fileprivate var json: JSONValue {
        let reason =
            switch reason {
            case .mountPoint: "mount-point"
            case .severalNames: "several-names"
            case .unwatchable: "unwatchable"
            }
        return [
            "path": .string(path), "mode": .string(isPolled ? "polling" : "inotify"), "because": .string(reason),
        ]
    }
}

extension WorkloadSocketReport {
    fileprivate var json: JSONValue { ["path": .string(path), "heldBack": .bool(isHeldBack)] }
}

extension ProgramReport {
    /// Numbers that are listed.
    private static var limit: Int { 20 }

    fileprivate var countText: String {
        switch aloneCount {
        case 0: "\(pids.count)"
        case pids.count: "\(pids.count), alone"
        default: "\(pids.count), \(aloneCount) alone"
        }
    }

    fileprivate var pidText: String {
        let rest = pids.count - Self.limit
        return pids.prefix(Self.limit).map(String.init).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    fileprivate var json: JSONValue {
        [
            "namespace": .string(workload.namespace), "name": .string(workload.name), "count": .integer(pids.count),
            "alone": .integer(aloneCount),
            "pids": .array(pids.prefix(Self.limit).map { .integer(Int($0)) }),
        ]
    }
}

extension ListenerReport {
    fileprivate var text: String {
        let names = withoutCertificate.joined(separator: ", ")
        return isHeldBack ? "\(owner) (held back)" : names.isEmpty ? owner : "\(owner) (held back: \(names))"
    }

    fileprivate var json: JSONValue {
        var json = JSONMembers()
        json.add("address", address)
        json.add("owner", owner)
        json.add("heldBack", .bool(isHeldBack))
        json.add("withoutCertificate", withoutCertificate)
        json.add("connections", connections.map(JSONValue.integer))
        return json.json
    }
}

extension CertificateFacts {
    fileprivate var members: [(key: String, value: JSONValue)] {
        [
            ("spiffeID", .string(spiffeID)), ("serial", .string(serial)),
            ("notBefore", .string("\(time.notBefore)")), ("notAfter", .string("\(time.notAfter)")),
            ("state", .string(time.state(at: at).rawValue)),
        ]
    }

    var json: JSONValue { .object(members) }
}

extension OtherCertificateFacts {
    fileprivate var json: JSONValue {
        [
            "use": .string(use.rawValue), "file": file.map(JSONValue.string) ?? .null, "serial": .string(serial),
            "notBefore": .string("\(time.notBefore)"), "notAfter": .string("\(time.notAfter)"),
            "state": .string(time.state(at: at).rawValue),
        ]
    }
}

extension CertificateReport {
    var json: JSONValue { .object(facts.members + [("chain", .string(chainPEM))]) }
}
