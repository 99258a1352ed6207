package import CommonValues
package import Cryptography
import SPIFFE
import TransportSecurity

/// The authority as it is now: what signs, and which roots it asks to be trusted.
struct Authority: Sendable {
    let signing: SigningAuthority
    /// The signing certificate, and those beside it in an operator's file.
    let roots: [Certificate]
    /// `nil` if it was made and not read.
    private(set) var files: AuthorityFiles?

    /// Reads the authority, or makes the built-in one: a root that ends within `CertificateTime.notice` is followed by a
    /// new one.
    /// - Parameters:
    ///   - folder: Where a built-in authority is kept, in one file so that certificate and key cannot part. An operator's does
    ///     without it.
    ///   - former: The one loaded before: what did not change is not decoded again.
    static func load(
        _ settings: IssuingSettings, in folder: Result<SecretsFolder, IdentityError>, at now: UnixTime,
        reusing former: Authority?
    ) throws(IdentityError) -> Authority {
        switch settings.authority {
        case .builtIn:
            let name = try rootFile(settings.trustDomain)
            let folder = try folder.get()
            guard try folder.has(name) else { return try make(settings.trustDomain, name, in: folder, at: now) }
            let authority = try Self.authority { () throws(CryptographyError) in
                try CredentialFiles.authority(
                    inOneFile: folder.file(name), at: folder.place(of: name), reusing: former?.files)
            }
            let certificate = authority.signing.certificate
            // One that is not valid yet was made while the clock was ahead: its time may be years away.
            switch certificate.time.state(at: now) {
            case .valid: return authority
            case .expired, .notYetValid: return try make(settings.trustDomain, name, in: folder, at: now)
            case .ending:
                // One that cannot be kept is of no use, and this one serves yet.
                do throws(IdentityError) {
                    return try make(settings.trustDomain, name, in: folder, at: now)
                } catch {
                    return authority
                }
            }
        case .files(let certificateFile, let keyFile):
            return try load(certificateFile: certificateFile, keyFile: keyFile, at: now, reusing: former)
        }
    }

    /// Reads an operator's authority.
    /// - Throws: `authorityUnusable`; `authorityExpired`.
    static func load(
        certificateFile: String, keyFile: String, at now: UnixTime, reusing former: Authority? = nil
    ) throws(IdentityError) -> Authority {
        let authority = try Self.authority { () throws(CryptographyError) in
            try CredentialFiles.authority(
                certificateFile: certificateFile, keyFile: keyFile, reusing: former?.files)
        }
        let time = authority.signing.certificate.time
        let finding = "the authority's certificate in \"\(certificateFile)\" \(time.sentence(at: now))"
        switch time.state(at: now) {
        case .valid, .ending: return authority
        case .expired:
            throw IdentityError(
                .authorityExpired,
                finding + ": put a new certificate and its key in the place of both files; they are taken up without a "
                    + "restart")
        case .notYetValid: throw IdentityError(.authorityUnusable, finding + ": check this machine's clock")
        }
    }

    private static func authority(
        _ read: () throws(CryptographyError) -> AuthorityFiles
    ) throws(IdentityError) -> Authority {
        do throws(CryptographyError) {
            let read = try read()
            return Authority(signing: read.authority, roots: read.certificates.filter(\.isAuthority), files: read)
        } catch {
            throw IdentityError(.authorityUnusable, "cannot use the authority: \(error.message)", cause: error)
        }
    }

    private static func make(
        _ trustDomain: TrustDomain, _ name: String, in folder: SecretsFolder, at now: UnixTime
    ) throws(IdentityError) -> Authority {
        let signing: SigningAuthority
        let bytes: [UInt8]
        do throws(CryptographyError) {
            signing = try SigningAuthority.makeRoot(for: trustDomain, at: now)
            bytes = try signing.certificate.pem() + signing.key.pem()
        } catch {
            throw IdentityError(.issuing, "cannot make an authority: \(error.message)", cause: error)
        }
        try folder.replace(name, with: bytes)
        return Authority(signing: signing, roots: [signing.certificate])
    }

    /// Of each trust domain its own, so that a change of the name does not lose a root.
    private static func rootFile(_ trustDomain: TrustDomain) throws(IdentityError) -> String {
        // With the rest of the file's name it must fit into the 255 bytes of NAME_MAX.
        guard trustDomain.name.utf8.count <= 200 else {
            throw IdentityError(
                .stateFolder, "the name of trust domain \(trustDomain) is too long for a built-in authority: 200 bytes")
        }
        return "root-\(trustDomain.name).pem"
    }
}

/// What an operator's authority has, for those who look at it without issuing.
package enum AuthorityCertificates {
    /// The signing certificate, then those that are trusted besides.
    /// - Throws: What keeps an issuer from using it.
    package static func read(
        certificateFile: String, keyFile: String, at now: UnixTime
    ) throws(IdentityError) -> [Certificate] {
        try Authority.load(certificateFile: certificateFile, keyFile: keyFile, at: now).roots
    }
}
