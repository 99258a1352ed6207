package import CommonValues
package import Cryptography
import Glibc
package import SPIFFE
import TransportSecurity

/// An authority that several nodes are to share: a root, whose key no node needs, and a signing certificate under it.
package struct SharedAuthority: Sendable {
    /// What lies in its folder.
    package enum File: String, CaseIterable, Sendable {
        case rootCertificate = "root.pem"
        case rootKey = "root.key"
        /// The signing certificate, then its root: what a Mesh names as `certificateFile`.
        case signingCertificate = "signing.pem"
        case signingKey = "signing.key"
    }

    package let trustDomain: TrustDomain
    package let root: SigningAuthority
    package let signing: SigningAuthority
    /// Otherwise the root lies where it lay before.
    package let isRootNew: Bool

    /// Those that `write` makes.
    package var files: [File] { isRootNew ? File.allCases : [.signingCertificate, .signingKey] }

    /// A new root and a signing certificate under it.
    /// - Parameters: lifetimes from `now`; `signingLifetime` as `SigningAuthority.makeSigning` takes it.
    package init(
        for trustDomain: TrustDomain, rootLifetime: Duration, signingLifetime: Duration?, at now: UnixTime
    ) throws(IdentityError) {
        let root: SigningAuthority
        do throws(CryptographyError) {
            root = try .makeRoot(for: trustDomain, lifetime: rootLifetime, at: now)
        } catch {
            throw IdentityError(.issuing, "cannot make a root: \(error.message)", cause: error)
        }
        try self.init(for: trustDomain, root: root, isRootNew: true, signingLifetime: signingLifetime, at: now)
    }

    /// Another signing certificate under a root that there is.
    /// - Parameters:
    ///   - folder: What `write` made, or at least the root's two files of it.
    ///   - trustDomain: `nil`: the root's.
    ///   - signingLifetime: As `SigningAuthority.makeSigning` takes it.
    package init(
        under folder: String, for trustDomain: TrustDomain?, signingLifetime: Duration?, at now: UnixTime
    ) throws(IdentityError) {
        let root: SigningAuthority
        do throws(CryptographyError) {
            root = try CredentialFiles.authority(
                certificateFile: "\(folder)/\(File.rootCertificate.rawValue)",
                keyFile: "\(folder)/\(File.rootKey.rawValue)"
            ).authority
        } catch {
            throw IdentityError(.authorityUnusable, "cannot use the root: \(error.message)", cause: error)
        }
        let named = root.certificate.spiffeID?.trustDomain
        guard let domain = trustDomain ?? named else {
            throw IdentityError(.authorityUnusable, "the root in \"\(folder)\" names no trust domain")
        }
        if let named, domain != named {
            throw IdentityError(
                .authorityUnusable, "the root in \"\(folder)\" is of trust domain \(named), not \(domain)")
        }
        try self.init(for: domain, root: root, isRootNew: false, signingLifetime: signingLifetime, at: now)
    }

    private init(
        for trustDomain: TrustDomain, root: SigningAuthority, isRootNew: Bool, signingLifetime: Duration?,
        at now: UnixTime
    ) throws(IdentityError) {
        self.trustDomain = trustDomain
        self.root = root
        self.isRootNew = isRootNew
        do throws(CryptographyError) {
            signing = try root.makeSigning(for: trustDomain, lifetime: signingLifetime, at: now)
        } catch {
            throw IdentityError(.issuing, "cannot make a signing certificate: \(error.message)", cause: error)
        }
    }

    // MARK: The folder

    /// Makes the folder, 0700, with its files, 0600: whole or not at all, whenever the process is killed. What is cut off
    /// leaves a folder beside it whose name begins with a dot, with keys that nobody trusts.
    /// - Parameter path: Absolute. Nothing may be there.
    package func write(to path: String) throws(IdentityError) {
        var status = stat()
        guard unsafe lstat(path, &status) != 0 else {
            throw IdentityError(.stateFolder, "\"\(path)\" is there already, and nothing is overwritten")
        }
        let parent = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)) + "/"
        let folder = try SecretsFolder(emptyIn: parent)
        do throws(IdentityError) {
            for file in files { try folder.replace(file.rawValue, with: contents(of: file)) }
            try folder.move(to: path, in: parent)
        } catch {
            folder.remove(files.map(\.rawValue))
            throw error
        }
    }

    private func contents(of file: File) throws(IdentityError) -> [UInt8] {
        do throws(CryptographyError) {
            return switch file {
            case .rootCertificate: try root.certificate.pem()
            case .rootKey: try root.key.pem()
            case .signingCertificate: try signing.certificate.pem() + root.certificate.pem()
            case .signingKey: try signing.key.pem()
            }
        } catch {
            throw IdentityError(.issuing, "cannot write \(file.rawValue): \(error.message)", cause: error)
        }
    }
}
