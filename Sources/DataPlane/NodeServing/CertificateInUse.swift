package import CommonValues
package import Cryptography
package import Diagnostics
package import Manifests
import WorkloadIdentity

/// A certificate that this node uses, or would use, and until when.
package struct CertificateInUse: Hashable, Sendable {
    /// `nil`: a workload's.
    package let use: CertificateUse?
    /// A workload's SPIFFE ID, or the file as the manifests name it; `nil`: the state folder's.
    package let name: String?
    package let serial: String
    package let time: CertificateTime
    /// What names it in the manifests, or else the Mesh.
    let position: SourcePosition

    init(workload svid: X509SVID, in mesh: Mesh) {
        use = nil
        name = "\(svid.id)"
        serial = svid.credentials.leaf.serial
        time = Self.time(of: svid)
        position = mesh.metadata.position
    }

    init(former root: FormerRoot, in mesh: Mesh) {
        use = .former
        name = mesh.identity.authority.certificateFile?.value
        serial = root.certificate.serial
        time = CertificateTime(notBefore: root.certificate.notBefore, notAfter: root.until, notice: .zero)
        position = mesh.metadata.position
    }

    private init(_ use: CertificateUse, _ certificate: Certificate, file: Located<String>?, in position: SourcePosition)
    {
        self.use = use
        name = file?.value
        serial = certificate.serial
        time = certificate.time
        self.position = position
    }

    /// - Parameter certificates: The one that signs first.
    package static func of(_ mesh: Mesh, authority certificates: [Certificate]) -> [CertificateInUse] {
        let file = mesh.identity.authority.certificateFile
        return certificates.enumerated().map { index, certificate in
            CertificateInUse(
                index == 0 ? .signing : .trusted, certificate, file: file,
                in: file?.position ?? mesh.metadata.position)
        }
    }

    /// - Parameter file: That the chain was read from; `nil`: the listener's.
    package static func of(
        _ tls: ListenerTLS, chain: [Certificate], readFrom file: String? = nil
    ) -> [CertificateInUse] {
        let position = tls.certificateFile.position
        let file = Located(file ?? tls.certificateFile.value, at: position)
        return chain.map { CertificateInUse(.gateway, $0, file: file, in: position) }
    }

    /// They are renewed at half of their life: with less than a quarter left, that has failed.
    package static func time(of svid: X509SVID) -> CertificateTime {
        CertificateTime(
            notBefore: svid.notBefore, notAfter: svid.notAfter, notice: (svid.notAfter - svid.issuedAt) / 4)
    }

    struct Key: Hashable {
        let use: CertificateUse?
        let name: String?
        let serial: String
    }

    /// Wherever it is named.
    var key: Key { Key(use: use, name: name, serial: serial) }

    // MARK: What there is to say of it

    /// - Returns: `nil` if it is valid for long enough.
    func warning(at now: UnixTime) -> Diagnostic? {
        let state = time.state(at: now)
        if state == .valid { return nil }
        // Without a signing certificate that is valid nothing is issued, and that is said where it is tried.
        if use == .signing, state != .ending { return nil }
        // That one is over is what was meant.
        if use == .former { return nil }
        return Diagnostic(
            .certificateTime, .warning, at: position, found: "\(subject) \(time.sentence(at: now))",
            expected: use == nil ? "one that is renewed in time" : "one that is valid for 30 days and more",
            remedy: remedy(state, at: now))
    }

    private var subject: String {
        switch use {
        case nil: "the certificate of \(name ?? "")"
        case .signing: "the authority's signing certificate \(place)"
        case .trusted, .former: "the authority's certificate \(serial) \(place)"
        case .gateway: "the certificate \(serial) \(place)"
        }
    }

    private var place: String { name.map { "in \"\($0)\"" } ?? "in the state folder" }

    private func remedy(_ state: CertificateTime.State, at now: UnixTime) -> String {
        if state == .notYetValid { return "check this machine's clock, or wait" }
        let within = state == .expired ? "" : ", within \(time.remainder(at: now))"
        return switch use {
        case nil: "see in \"heddle status\" why nothing is issued"
        case .signing:
            "make another (heddle authority create --root) and put it in its place on every node\(within)"
        case .trusted, .former:
            "if anything is still signed under it, give every node the next root, and what is signed under that\(within); "
                + "then take this one out of the file"
        case .gateway:
            "put a new certificate and its key in the place of both files\(within); they are taken up without a restart"
        }
    }
}

extension AuthoritySource {
    /// `nil`: the built-in authority's is in the state folder.
    fileprivate var certificateFile: Located<String>? {
        if case .files(let certificate, _) = self { certificate } else { nil }
    }
}

extension [CertificateInUse] {
    /// Files that several listeners show count once.
    package var withoutRepeats: [CertificateInUse] {
        var known: Set<CertificateInUse.Key> = []
        return filter { known.insert($0.key).inserted }
    }

    package func warnings(at now: UnixTime) -> [Diagnostic] { compactMap { $0.warning(at: now) } }

    /// Until there may be something else to say; `nil`: never.
    package func untilNextChange(at now: UnixTime) -> Duration? {
        compactMap { $0.time.change(after: now) }.min().map { $0 - now }
    }
}
