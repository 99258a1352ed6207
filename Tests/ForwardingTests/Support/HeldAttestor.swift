import Attestation
import EventLoops
import Glibc
import LocalAttestation
import TestSupport

@testable import Forwarding

/// Holds up the thread that looks for a mesh's callers, until it is let go.
final class HeldAttestor: Sendable {
    private let go = Gate()
    /// What it is held up with: an end of a socket of this process.
    private let ends: [CInt]

    init(of mesh: TestMesh) throws {
        var ends: [CInt] = [-1, -1]
        _ = unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        self.ends = ends
        let attestor = mesh.dataPlane.attestor
        let peer = try attestor.look(
            at: ends[0], local: .unix(path: "/x"), peer: .unix(path: ""), with: SocketDiagnosis())
        attestor.findOut(.process, of: peer, at: ends[0]) { [go] _ in go.pass() }
    }

    deinit {
        go.open()
        for end in ends { close(end) }
    }

    func letGo() { go.open() }
}
