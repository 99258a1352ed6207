import CommonValues
import Diagnostics
import Logging

/// What became of a certificate in use while its place stayed.
enum CertificateChange: Hashable {
    case replaced(CertificateInUse, by: CertificateInUse)
    /// Where there was none.
    case first(CertificateInUse)
    /// Beside others of the same file.
    case added(CertificateInUse)
    case gone(CertificateInUse)

    private struct Place: Hashable {
        let use: CertificateUse?
        let name: String?

        init(_ certificate: CertificateInUse) {
            use = certificate.use
            name = certificate.name
        }

        /// The authority is there in any case; a listener or a workload comes and goes with the manifests, which say so.
        var isAuthority: Bool { use != nil && use != .gateway }
    }

    static func changes(from former: [CertificateInUse], to next: [CertificateInUse]) -> [CertificateChange] {
        let (known, wanted) = (Set(former.map(\.key)), Set(next.map(\.key)))
        var changes: [CertificateChange] = []
        let before = Dictionary(grouping: former, by: Place.init)
        let after = Dictionary(grouping: next, by: Place.init)
        for place in Set(before.keys).union(after.keys) {
            guard place.isAuthority || before[place] != nil && after[place] != nil else { continue }
            let gone = before[place, default: []].filter { !wanted.contains($0.key) }
            let new = after[place, default: []].filter { !known.contains($0.key) }
            changes += zip(gone, new).map { .replaced($0, by: $1) }
            changes += gone.dropFirst(new.count).map { .gone($0) }
            let isFirst = before[place] == nil
            changes += new.dropFirst(gone.count).map { isFirst ? .first($0) : .added($0) }
        }
        return changes.sorted { $0.certificate.order < $1.certificate.order }
    }

    fileprivate var certificate: CertificateInUse {
        switch self {
        case .replaced(_, let certificate), .first(let certificate), .added(let certificate), .gone(let certificate):
            certificate
        }
    }
}

extension CertificateInUse {
    /// The authority's first, the one that signs before all.
    fileprivate var order: String {
        let uses: [CertificateUse?] = [.signing, .trusted, .former, .gateway, nil]
        return "\(uses.firstIndex(of: use) ?? 0) \(name ?? "") \(serial)"
    }
}

extension Logger {
    /// A record for each but those of workloads, which are renewed all the time: they are summed up, and worth no word unless
    /// something else has changed, too.
    func tell(_ changes: [CertificateChange]) {
        let ofWorkloads = changes.filter { $0.certificate.use == nil }
        for change in changes where change.certificate.use != nil { tell(change) }
        guard !ofWorkloads.isEmpty else { return }
        log(
            level: ofWorkloads.count < changes.count ? .info : .debug, "certificates of workloads are issued anew",
            metadata: ["count": "\(ofWorkloads.count)"])
    }

    private func tell(_ change: CertificateChange) {
        let certificate = change.certificate
        var metadata: Metadata = ["serial": "\(certificate.serial)", "until": "\(certificate.time.notAfter)"]
        metadata["use"] = certificate.use.map { "\($0.rawValue)" }
        metadata["file"] = certificate.name.map { "\($0.printable)" }
        switch change {
        case .replaced(let former, _):
            metadata["was"] = "\(former.serial)"
            info("a certificate was replaced", metadata: metadata)
        case .first where certificate.use == .former, .added where certificate.use == .former:
            info("a certificate that the authority has no more is trusted for a while yet", metadata: metadata)
        case .first: info("a certificate is in use now", metadata: metadata)
        case .added: info("another certificate is in use besides", metadata: metadata)
        case .gone: info("a certificate is not in use any more", metadata: metadata)
        }
    }
}
