import CLinux
import Cryptography
import Glibc
import SystemInterfaces

/// What executables' bytes come to. A file that did not change is read once.
struct ExecutableDigests {
    private var known: [FileSignature: String] = [:]

    private static let limit = 256
    /// A file that is longer has no digest: 1 GiB.
    private static let byteLimit = 1 << 30
    /// One that was changed so lately may change again without being seen to: its times are no finer than that, in nanoseconds.
    private static let settling = 2_000_000_000

    mutating func digest(of process: ProcessFolder) throws(ProcessFolder.Unknown) -> String {
        let file = try process.openExecutable()
        let signature = file.facts.signature
        if let digest = known[signature] { return digest }
        guard signature.byteCount <= Self.byteLimit else {
            throw ProcessFolder.Unknown("its executable is longer than 1 GiB")
        }
        let digest = try Self.digest(of: file)
        guard (try? file.currentSignature()) == signature else {
            throw ProcessFolder.Unknown("its executable was changed while it was read")
        }
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        if now.tv_sec * 1_000_000_000 + now.tv_nsec - max(signature.modified, signature.changed) > Self.settling {
            if known.count >= Self.limit { known = [:] }
            known[signature] = digest
        }
        return digest
    }

    private static func digest(of file: borrowing OpenFile) throws(ProcessFolder.Unknown) -> String {
        do {
            var digest = try SHA256()
            var failure: (any Error)?
            try unsafe file.forEachPiece { piece in
                do throws(CryptographyError) { unsafe try digest.add(piece) } catch { failure = error }
            }
            if let failure { throw failure }
            return try digest.hexadecimal()
        } catch {
            throw ProcessFolder.Unknown("its executable cannot be read: \(error)")
        }
    }
}
