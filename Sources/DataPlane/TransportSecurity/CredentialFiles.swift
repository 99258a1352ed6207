import CLinux
package import Cryptography
import Glibc
import SystemInterfaces

/// Certificates and keys as they lie in PEM files.
package enum CredentialFiles {
    /// Largest file read, in bytes: 1 MiB.
    package static let byteLimit = 1024 * 1024

    /// A server's chain and key.
    /// - Throws: `unreadableFile`, `exposedKeyFile`, `malformedPEM`, `keyMismatch`, and `unsuitableCertificate` if no
    ///   handshake could be done with them; the message names the file.
    package static func credentials(
        certificateFile: String, keyFile: String
    ) throws(CryptographyError) -> TLSCredentials {
        let (certificateBytes, keyBytes) = try pair(certificateFile, keyFile)
        let chain = try Certificate.all(pem: certificateBytes, origin: certificateFile)
        let key = try privateKey(keyBytes, origin: keyFile)
        let origin = "\"\(certificateFile)\" and \"\(keyFile)\""
        let credentials = try TLSCredentials(chain: chain, key: key, origin: origin)
        guard key.kind.isForTLS else {
            throw CryptographyError(
                .unsuitableCertificate, "the key in \"\(keyFile)\" is \(key.kind): TLS takes \(KeyKind.takenByTLS)"
            ).aboutKey()
        }
        try ShownChain.check(credentials, origin: "\"\(certificateFile)\"")
        return credentials
    }

    /// An authority's certificates and key.
    /// - Parameter former: What was read before: if the files' bytes are the same, it is returned.
    /// - Throws: As `credentials`, and `unsuitableCertificate` if the first certificate may not sign others, or its key is of
    ///   no kind that an authority may have.
    package static func authority(
        certificateFile: String, keyFile: String, reusing former: AuthorityFiles? = nil
    ) throws(CryptographyError) -> AuthorityFiles {
        let (certificateBytes, keyBytes) = try pair(certificateFile, keyFile)
        return try authority(certificateBytes, certificateFile, keyBytes, keyFile, reusing: former)
    }

    /// An authority's certificates and key in one file, where they cannot part.
    /// - Parameters:
    ///   - file: As people know it.
    ///   - place: Where the system finds it.
    package static func authority(
        inOneFile file: String, at place: String, reusing former: AuthorityFiles? = nil
    ) throws(CryptographyError) -> AuthorityFiles {
        let bytes = try keyBytes(file, at: place)
        return try authority(bytes, file, bytes, file, reusing: former)
    }

    private static func authority(
        _ certificateBytes: [UInt8], _ certificateFile: String, _ keyBytes: [UInt8], _ keyFile: String,
        reusing former: AuthorityFiles?
    ) throws(CryptographyError) -> AuthorityFiles {
        if let former, former.certificateBytes == certificateBytes, former.keyBytes == keyBytes { return former }
        let chain = try Certificate.all(pem: certificateBytes, origin: certificateFile)
        let key = try privateKey(keyBytes, origin: keyFile)
        let origin = "\"\(certificateFile)\" and \"\(keyFile)\""
        let authority = try SigningAuthority(chain: chain, key: key, origin: origin)
        try ShownChain.check(intermediates: authority.intermediates, origin: "\"\(certificateFile)\"")
        return AuthorityFiles(
            authority: authority, certificates: chain, certificateBytes: certificateBytes, keyBytes: keyBytes)
    }

    private static func pair(
        _ certificateFile: String, _ keyFile: String
    ) throws(CryptographyError) -> (certificate: [UInt8], key: [UInt8]) {
        var certificates: [UInt8] = []
        return try pair { () throws(CryptographyError) in
            certificates = try read(certificateFile, isSecret: false)
            return certificates
        } key: { () throws(CryptographyError) in
            do throws(CryptographyError) {
                return try keyBytes(keyFile)
            } catch {
                // Of two mistakes the certificate's comes first: it may say what became of the key.
                _ = try Certificate.all(pem: certificates, origin: certificateFile)
                throw error
            }
        }
    }

    /// Both as they lie there together, though they be replaced between one reading and the other: by a link to their folder,
    /// say, that leads elsewhere.
    static func pair(
        certificate: () throws(CryptographyError) -> [UInt8], key: () throws(CryptographyError) -> [UInt8]
    ) throws(CryptographyError) -> (certificate: [UInt8], key: [UInt8]) {
        var before = try certificate()
        for _ in 0..<pairTries {
            let keyBytes = try key()
            let after = try certificate()
            if after == before { return (before, keyBytes) }
            before = after
        }
        return (before, try key())
    }

    /// How often it is hoped that nobody replaces them meanwhile: 3.
    private static let pairTries = 3

    /// All certificates of a file.
    package static func certificates(_ path: String) throws(CryptographyError) -> [Certificate] {
        try Certificate.all(pem: read(path, isSecret: false), origin: path)
    }

    /// The first private key of a file that its owner alone may touch.
    package static func privateKey(_ path: String) throws(CryptographyError) -> PrivateKey {
        try privateKey(keyBytes(path), origin: path)
    }

    private static func privateKey(_ bytes: [UInt8], origin: String) throws(CryptographyError) -> PrivateKey {
        do throws(CryptographyError) { return try PrivateKey(pem: bytes, origin: origin) } catch {
            throw error.aboutKey()
        }
    }

    /// - Parameter place: Where the system finds it; `nil`: at the path.
    private static func keyBytes(_ path: String, at place: String? = nil) throws(CryptographyError) -> [UInt8] {
        do throws(CryptographyError) {
            return try read(path, at: place, isSecret: true)
        } catch {
            // What holds no key may be open to all, and closing it mends nothing.
            if error.code == .exposedKeyFile {
                let blocks = PEMBlocks(try read(path, at: place, isSecret: false))
                if blocks.isOfCertificatesAlone {
                    throw CryptographyError(.malformedPEM, "\"\(path)\" \(blocks.keyMistake)").aboutKey()
                }
            }
            throw error.aboutKey()
        }
    }

    private static func read(
        _ path: String, at place: String? = nil, isSecret: Bool
    ) throws(CryptographyError) -> [UInt8] {
        let file: OpenFile
        do throws(SystemCallError) { file = try OpenFile(place ?? path) } catch { throw unreadable(path, error) }
        guard file.facts.kind == .file else {
            throw CryptographyError(.unreadableFile, "cannot read \"\(path)\": it is not a file")
        }
        guard file.facts.signature.byteCount <= byteLimit else { throw tooLarge(path) }
        // The permissions of the file that was opened, not of what the path may name by now.
        if isSecret, file.facts.permissions & 0o077 != 0 {
            throw CryptographyError(
                .exposedKeyFile,
                "\"\(path)\" holds a private key and others than its owner may reach it (mode "
                    + "0\(String(file.facts.permissions & 0o777, radix: 8))): chmod 600 it")
        }
        let bytes: [UInt8]
        do throws(SystemCallError) { bytes = try file.bytes(limit: byteLimit) } catch { throw unreadable(path, error) }
        guard bytes.count <= byteLimit else { throw tooLarge(path) }
        return bytes
    }

    private static func unreadable(_ path: String, _ error: SystemCallError) -> CryptographyError {
        CryptographyError(.unreadableFile, "cannot read \"\(path)\": \(error.reason)", systemError: error.errno)
    }

    private static func tooLarge(_ path: String) -> CryptographyError {
        CryptographyError(.unreadableFile, "cannot read \"\(path)\": it is larger than \(byteLimit) bytes")
    }
}
