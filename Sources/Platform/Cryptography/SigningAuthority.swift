import COpenSSL
package import CommonValues
package import SPIFFE

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
    package init(chain: [Certificate], key: PrivateKey, origin: String) throws(CryptographyError) {
        guard let certificate = chain.first else {
            throw CryptographyError(.malformedPEM, "no certificate in \(origin)")
        }
        guard certificate.belongs(to: key) else {
            throw CryptographyError(.keyMismatch, "the key is not the first certificate's in \(origin)")
        }
        guard certificate.isAuthority else {
            throw CryptographyError(
                .unsuitableCertificate,
                "the first certificate in \(origin) may not sign others: it needs CA:TRUE and key usage keyCertSign")
        }
        guard unsafe key.signingDigest != nil else {
            throw CryptographyError(
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
    ) throws(CryptographyError) -> SigningAuthority {
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
    ) throws(CryptographyError) -> SigningAuthority {
        guard certificate.notBefore <= now, now < certificate.notAfter else {
            throw CryptographyError(.unsuitableCertificate, "the root \(certificate.time.sentence(at: now))")
        }
        // Certificates end in whole seconds.
        if let lifetime, (now + lifetime).seconds > certificate.notAfter.seconds {
            let days = (certificate.notAfter.seconds - now.seconds) / 86_400
            throw CryptographyError(
                .unsuitableCertificate,
                "it would outlive its root, which ends at \(certificate.notAfter): \(days) days are left")
        }
        let key = try PrivateKey.generateP256()
        var draft = try CertificateDraft(
            key: key, notBefore: max(now - Self.rootBackdating, certificate.notBefore),
            notAfter: min(now + (lifetime ?? Self.signingLifetime), certificate.notAfter))
        // A signing certificate issues workloads' certificates alone.
        try draft.becomeAuthority(
            of: trustDomain, name: "signing", under: certificate, "critical,CA:TRUE,pathlen:0")
        return try SigningAuthority(
            chain: [draft.sign(with: self.key), certificate], key: key, origin: "a new signing certificate")
    }

    /// Issues an X.509-SVID with a new key on P-256 (X509-SVID § 4: the profile of a leaf).
    /// - Parameter lifetime: Counted from `now`; cut off where the authority's own time ends.
    /// - Throws: `unsuitableCertificate` if the authority's time is over.
    package func issue(_ id: SPIFFEID, lifetime: Duration, at now: UnixTime) throws(CryptographyError) -> X509SVID {
        guard now < certificate.notAfter else {
            throw CryptographyError(
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

extension Certificate {
    /// Whether `parent` is named as its issuer and its key identifiers agree; the signature is not looked at.
    fileprivate func isIssued(by parent: Certificate) -> Bool {
        unsafe X509_check_issued(parent.pointer, pointer) == X509_V_OK
    }
}
