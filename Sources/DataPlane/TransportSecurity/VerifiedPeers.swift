import COpenSSL
import CommonValues
import Cryptography
import SPIFFE
import Synchronization

/// The peers whose chain up to a root of one bundle was found good: to find it again for the same certificate, in the next
/// handshake of the same peer, would take a seventh of the handshake and say the same. Only signatures and names are taken
/// as known; the time is looked at in each handshake, and the peer proves in each that it has the key.
///
/// The sessions of one peer share its certificate: parsed, it is as large as all the rest of an idle session.
final class VerifiedPeers: Sendable {
    /// What a certificate was verified as.
    struct Key: Hashable {
        /// SHA-256 of the leaf, all of it, its signature included.
        let digest: [UInt8]
        /// As the caller of a connection, or as the one called: a certificate may be good for one of the two only.
        let isCaller: Bool

        /// - Parameter certificate: An `X509 *`.
        /// - Returns: `nil` if memory ran out.
        @unsafe
        init?(_ certificate: OpaquePointer, isCaller: Bool) {
            var isDone = false
            let digest = unsafe [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { bytes, count in
                var length: CUnsignedInt = 0
                isDone = unsafe X509_digest(certificate, EVP_sha256(), bytes.baseAddress, &length) == 1
                count = isDone ? Int(length) : 0
            }
            guard isDone else { return nil }
            self.digest = digest
            self.isCaller = isCaller
        }
    }

    private struct Entry {
        let id: SPIFFEID
        let certificate: Certificate
        /// In which all of the chain's certificates are valid.
        let time: Range<UnixTime>
    }

    /// Peers remembered. Beyond it all are forgotten.
    private static let limit = 1024

    private let entries = Mutex<[Key: Entry]>([:])

    func peer(_ key: Key, at now: UnixTime) -> (peer: VerifiedPeer, certificate: Certificate)? {
        entries.withLock { entries in
            guard let entry = entries[key], entry.time.contains(now) else { return nil }
            return (VerifiedPeer(id: entry.id, notAfter: entry.time.upperBound), entry.certificate)
        }
    }

    /// In which all certificates of a chain that was found good are valid; empty if there is no such time.
    /// - Parameter context: An `X509_STORE_CTX *`.
    @unsafe
    static func time(_ context: OpaquePointer) -> Range<UnixTime> {
        guard let chain = unsafe X509_STORE_CTX_get0_chain(context) else {
            return UnixTime(seconds: 0)..<UnixTime(seconds: 0)
        }
        var (start, end) = (UnixTime(microseconds: .min), UnixTime(microseconds: .max))
        for index in 0..<(unsafe COpenSSL_certificates_count(chain)) {
            let certificate = unsafe COpenSSL_certificates_value(chain, index)
            start = unsafe max(start, Certificate.time(X509_get0_notBefore(certificate)))
            end = unsafe min(end, Certificate.time(X509_get0_notAfter(certificate)))
        }
        return start..<max(start, end)
    }

    /// - Parameters:
    ///   - time: As `time` says of it.
    ///   - context: An `X509_STORE_CTX *` that has found the peer's chain good.
    @unsafe
    func remember(_ key: Key, as id: SPIFFEID, _ time: Range<UnixTime>, _ context: OpaquePointer) {
        guard !time.isEmpty, let leaf = unsafe X509_STORE_CTX_get0_cert(context), unsafe X509_up_ref(leaf) == 1 else {
            return
        }
        let certificate = unsafe Certificate(owning: leaf)
        entries.withLock { entries in
            if entries.count >= Self.limit { entries.removeAll() }
            entries[key] = Entry(id: id, certificate: certificate, time: time)
        }
    }
}
