import COpenSSL
import CommonValues
import SPIFFE

/// A certificate that may sign others, and its key: what X.509-SVIDs are issued with.
package struct SigningAuthority: Sendable {
    /// The signing certificate.
    package let certificate: Certificate
    package let key: PrivateKey
    /// What leads from `certificate` to its root, which is left out; empty if `certificate` is a root.
    package let intermediates: [Certificate]

    /// How far before its issuing a certificate's time begins, for peers whose clocks are behind.
    package static let clockSkew = Duration.seconds(30)
    /// How far before its making a root's time begins: a year. It says nothing of what the root signs, and a clock that was
    /// ahead when the root was made can be put right without the root being in the future.
    package static let rootBackdating = Duration.seconds(365 * 86_400)
    /// Lifetime of a root that Heddle makes, from its making, where nobody says otherwise: ten years.
    package static let rootLifetime = Duration.seconds(3650 * 86_400)
    /// The same of a signing certificate under a root: a year.
    package static let signingLifetime = Duration.seconds(365 * 86_400)

    /// - Parameters:
    ///   - chain: The signing certificate, then others that may follow it in its file. The parents among them are sent
    ///     with every certificate issued.
    ///   - origin: Where they are from, for messages.
    /// - Throws: `keyMismatch`, or `unsuitableCertificate` if the first may not sign others, or its key is none of P-256,
    ///   P-384 and RSA with 2,048 bits or more.
    package init(chain: [Certificate], key: PrivateKey, origin: String) throws(TLSError) {
        guard let certificate = chain.first else { throw TLSError(.malformedPEM, "no certificate in \(origin)") }
        guard certificate.belongs(to: key) else {
            throw TLSError(.keyMismatch, "the key is not the first certificate's in \(origin)")
        }
        guard certificate.isAuthority else {
            throw TLSError(
                .unsuitableCertificate,
                "the first certificate in \(origin) may not sign others: it needs CA:TRUE and key usage keyCertSign")
        }
        guard unsafe key.signingDigest != nil else {
            throw TLSError(
                .unsuitableCertificate,
                "the key in \(origin) is \(key.kind): an authority takes \(KeyKind.takenOfAuthorities)"
            ).aboutKey()
        }
        self.certificate = certificate
        self.key = key
        var path: [Certificate] = []
        var last = certificate
        while !last.isSelfIssued, let parent = chain.first(where: { $0 !== last && last.isIssued(by: $0) }),
            path.count < 4
        {
            if !parent.isSelfIssued { path.append(parent) }
            last = parent
        }
        intermediates = certificate.isSelfIssued ? [] : [certificate] + path
    }

    /// A new self-signed root for `trustDomain`, on P-256.
    /// - Parameter lifetime: Counted from `now`.
    package static func makeRoot(
        for trustDomain: TrustDomain, lifetime: Duration = rootLifetime, at now: UnixTime
    ) throws(TLSError) -> SigningAuthority {
        let key = try PrivateKey.generateP256()
        var draft = try CertificateDraft(key: key, notBefore: now - rootBackdating, notAfter: now + lifetime)
        try draft.becomeAuthority(of: trustDomain, name: "authority", under: nil, "critical,CA:TRUE")
        return try SigningAuthority(chain: [draft.sign(with: key)], key: key, origin: "a new authority")
    }

    /// A new signing certificate under this root, on P-256: nodes sign with it, so that the root's key need lie on none.
    /// - Parameter lifetime: Counted from `now`; `nil`: a year, or what is left of the root's time if that is less. It begins
    ///   as long before `now` as a root's, but not before this root's.
    /// - Throws: `unsuitableCertificate` if the root is not valid now, or ends before `lifetime` does.
    package func makeSigning(
        for trustDomain: TrustDomain, lifetime: Duration?, at now: UnixTime
    ) throws(TLSError) -> SigningAuthority {
        guard certificate.notBefore <= now, now < certificate.notAfter else {
            throw TLSError(.unsuitableCertificate, "the root \(certificate.time.sentence(at: now))")
        }
        // Certificates end in whole seconds.
        if let lifetime, (now + lifetime).seconds > certificate.notAfter.seconds {
            let days = (certificate.notAfter.seconds - now.seconds) / 86_400
            throw TLSError(
                .unsuitableCertificate,
                "it would outlive its root, which ends at \(certificate.notAfter): \(days) days are left")
        }
        let key = try PrivateKey.generateP256()
        var draft = try CertificateDraft(
            key: key, notBefore: max(now - Self.rootBackdating, certificate.notBefore),
            notAfter: min(now + (lifetime ?? Self.signingLifetime), certificate.notAfter))
        // Under it are workloads alone.
        try draft.becomeAuthority(
            of: trustDomain, name: "signing", under: certificate, "critical,CA:TRUE,pathlen:0")
        return try SigningAuthority(
            chain: [draft.sign(with: self.key), certificate], key: key, origin: "a new signing certificate")
    }

    /// Issues an X.509-SVID with a new key on P-256 (X509-SVID § 4: the profile of a leaf).
    /// - Parameter lifetime: Counted from `now`; cut off where the authority's own time ends.
    /// - Throws: `unsuitableCertificate` if the authority's time is over.
    package func issue(_ id: SPIFFEID, lifetime: Duration, at now: UnixTime) throws(TLSError) -> X509SVID {
        guard now < certificate.notAfter else {
            throw TLSError(
                .unsuitableCertificate, "the authority's certificate \(certificate.time.sentence(at: now))")
        }
        let leafKey = try PrivateKey.generateP256()
        var draft = try CertificateDraft(
            key: leafKey, notBefore: now - Self.clockSkew, notAfter: min(now + lifetime, certificate.notAfter))
        try draft.setSubject(organization: id.trustDomain.name, name: nil)
        try draft.setIssuer(certificate)
        try draft.add(NID_basic_constraints, "critical,CA:FALSE")
        try draft.add(NID_key_usage, "critical,digitalSignature")
        try draft.add(NID_ext_key_usage, "serverAuth,clientAuth")
        try draft.add(NID_authority_key_identifier, "keyid,issuer")
        // With it, a leaf that happens to carry its authority's own name is not taken for one that signed itself.
        try draft.add(NID_subject_key_identifier, "hash")
        try draft.addURI(id.description)
        let leaf = try draft.sign(with: key)
        return try X509SVID(TLSCredentials(chain: [leaf] + intermediates, key: leafKey, origin: "a new certificate"))
    }
}

/// A certificate being made.
///
/// SAFETY: `certificate` is private, never nil, and freed once.
@safe
private struct CertificateDraft: ~Copyable {
    private let certificate: OpaquePointer
    private var issuer: Certificate?

    /// - Parameter key: On P-256.
    init(key: PrivateKey, notBefore: UnixTime, notAfter: UnixTime) throws(TLSError) {
        ERR_clear_error()
        guard let certificate = unsafe X509_new() else { throw TLSError(drainingQueueAfter: "out of memory") }
        let version3: CLong = 2
        let done =
            unsafe X509_set_version(certificate, version3) == 1
            && COpenSSL_set_p256_key_bytes(certificate, key.pointer) == 1
            && COpenSSL_set_random_serial(certificate) == 1
            && ASN1_TIME_set(X509_getm_notBefore(certificate), time_t(notBefore.seconds)) != nil
            && ASN1_TIME_set(X509_getm_notAfter(certificate), time_t(notAfter.seconds)) != nil
        guard done else {
            unsafe X509_free(certificate)
            throw TLSError(drainingQueueAfter: "cannot make a certificate")
        }
        unsafe self.certificate = unsafe certificate
    }

    deinit { unsafe X509_free(certificate) }

    /// - Parameters: each cut off after 64 bytes, as X.520 limits them.
    func setSubject(organization: String, name: String?) throws(TLSError) {
        let subject = unsafe X509_get_subject_name(certificate)
        for case (let field, let value?) in [("O", organization), ("CN", name)] {
            let bytes = Array(value.utf8.prefix(64))
            guard
                unsafe X509_NAME_add_entry_by_txt(subject, field, COpenSSL_utf8, bytes, CInt(bytes.count), -1, 0) == 1
            else { throw TLSError(drainingQueueAfter: "cannot name a certificate") }
        }
    }

    /// - Parameter issuer: `nil` for a certificate that signs itself; call `setSubject` before.
    mutating func setIssuer(_ issuer: Certificate?) throws(TLSError) {
        self.issuer = issuer
        let name = unsafe X509_get_subject_name(issuer?.pointer ?? certificate)
        guard unsafe X509_set_issuer_name(certificate, name) == 1 else {
            throw TLSError(drainingQueueAfter: "cannot name a certificate's issuer")
        }
    }

    /// The profile of a certificate that signs others (X509-SVID § 4.1).
    /// - Parameters:
    ///   - name: Tells a root from what is under it: a certificate with its issuer's own name would count as a root. With a
    ///     mark behind it that tells those apart that were made one after the other.
    ///   - parent: `nil` for a root.
    mutating func becomeAuthority(
        of trustDomain: TrustDomain, name: String, under parent: Certificate?, _ constraints: String
    ) throws(TLSError) {
        let mark = String(UInt32.random(in: .min ... .max), radix: 16)
        try setSubject(organization: trustDomain.name, name: "Heddle \(name) \(mark)")
        try setIssuer(parent)
        try add(NID_basic_constraints, constraints)
        try add(NID_key_usage, "critical,keyCertSign,cRLSign")
        try add(NID_subject_key_identifier, "hash")
        if parent != nil { try add(NID_authority_key_identifier, "keyid,issuer") }
        try addURI("spiffe://\(trustDomain.name)")
    }

    /// - Parameter value: As in openssl.cnf (x509v3_config(5)).
    func add(_ extensionID: CInt, _ value: String) throws(TLSError) {
        guard
            unsafe COpenSSL_add_extension(certificate, issuer?.pointer ?? certificate, extensionID, value) == 1
        else { throw TLSError(drainingQueueAfter: "cannot add \"\(value)\" to a certificate") }
    }

    func addURI(_ uri: String) throws(TLSError) {
        let bytes = Array(uri.utf8.map { CChar(bitPattern: $0) })
        guard unsafe COpenSSL_add_uri_name(certificate, bytes, CInt(bytes.count)) == 1 else {
            throw TLSError(drainingQueueAfter: "cannot add \"\(uri)\" to a certificate")
        }
    }

    func sign(with key: PrivateKey) throws(TLSError) -> Certificate {
        guard unsafe X509_sign(certificate, key.pointer, key.signingDigest) > 0,
            let signed = unsafe COpenSSL_read_back(certificate)
        else { throw TLSError(drainingQueueAfter: "cannot sign a certificate") }
        return unsafe Certificate(owning: signed)
    }
}

extension PrivateKey {
    /// The digest that certificates are signed with by this key; `nil` if it is of no kind that authorities may use.
    fileprivate var signingDigest: OpaquePointer? {
        switch kind {
        case .ec(curve: "P-256"): unsafe EVP_sha256()
        case .ec(curve: "P-384"): unsafe EVP_sha384()
        case .rsa(let bits) where bits >= 2048: unsafe EVP_sha256()
        default: nil
        }
    }
}

extension Certificate {
    /// Whether `parent` is named as its issuer and its key identifiers agree; the signature is not looked at.
    fileprivate func isIssued(by parent: Certificate) -> Bool {
        unsafe X509_check_issued(parent.pointer, pointer) == X509_V_OK
    }
}
