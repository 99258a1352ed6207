import CLinux
import CommonValues
import Cryptography
import Glibc
import SPIFFE
import TestSupport
import TransportSecurity

/// A mesh of two services, `web` and `orders`, with an authority of its own.
struct TestMesh {
    static let domain = TrustDomain("mesh.local")!
    static let orders = SPIFFEID(trustDomain: domain, namespace: "shop", serviceAccount: "orders")
    static let web = SPIFFEID(trustDomain: domain, namespace: "shop", serviceAccount: "web")
    static let ordersName = "orders.shop.mesh"

    let authority: SigningAuthority
    let bundle: TrustBundle

    init() throws {
        authority = try SigningAuthority.makeRoot(for: Self.domain, at: .now)
        bundle = try TrustBundle(trustDomain: Self.domain, roots: [authority.certificate])
    }

    func identity(_ id: SPIFFEID, lifetime: Duration = .seconds(3600)) throws -> X509SVID {
        try authority.issue(id, lifetime: lifetime, at: .now)
    }

    func serverContext() throws -> TLSContext {
        try TLSContext.meshServer(identities: [Self.ordersName: identity(Self.orders)], bundle: bundle)
    }

    func clientContext() throws -> TLSContext { try TLSContext.meshClient(bundle: bundle) }

    /// Both ends of a connection from `web` to `orders`; `client` and `server` take the place of this mesh's own.
    func connect(
        as client: X509SVID? = nil, with clientContext: TLSContext? = nil, to server: TLSContext? = nil,
        serverName: String = ordersName, acceptableIDs: Set<SPIFFEID> = [orders]
    ) throws -> TestPair {
        let pair = try SocketPair()
        return TestPair(
            sockets: pair,
            server: try TLSSession(accepting: try server ?? serverContext(), descriptor: pair.first),
            client: try TLSSession(
                connecting: try clientContext ?? self.clientContext(), as: try client ?? identity(Self.web),
                serverName: serverName, acceptableIDs: acceptableIDs, descriptor: pair.second))
    }
}

/// Two nonblocking stream sockets that are connected with each other.
final class SocketPair {
    let first: CInt
    let second: CInt
    private var closed: Set<CInt> = []

    init() throws {
        var pair: [CInt] = [0, 0]
        let type = CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &pair) == 0 else { throw SetUpError("socketpair: \(errno)") }
        first = pair[0]
        second = pair[1]
    }

    func close(_ descriptor: CInt) {
        if closed.insert(descriptor).inserted { _ = Glibc.close(descriptor) }
    }

    deinit {
        close(first)
        close(second)
    }
}

/// Two sessions that talk to each other.
final class TestPair {
    let sockets: SocketPair
    let server: TLSSession
    let client: TLSSession

    init(sockets: SocketPair, server: consuming TLSSession, client: consuming TLSSession) {
        self.sockets = sockets
        self.server = server
        self.client = client
    }

    /// Runs both handshakes until each is done or failed.
    func handshake() -> (server: TLSSession.HandshakeResult, client: TLSSession.HandshakeResult) {
        var results = (server: TLSSession.HandshakeResult.wantsRead, client: TLSSession.HandshakeResult.wantsRead)
        for _ in 0..<20 {
            if !results.client.isFinal {
                client.socketBecameReadable()
                results.client = client.handshake()
            }
            if !results.server.isFinal {
                server.socketBecameReadable()
                results.server = server.handshake()
            }
            if results.client.isFinal, results.server.isFinal { break }
        }
        return results
    }

    /// What the client learns when it reads: in TLS 1.3 it is done before the server has judged it.
    func clientReads() -> TLSSession.ReadResult {
        client.socketBecameReadable()
        return client.readAll(upTo: 100).end
    }
}

extension TLSSession.HandshakeResult {
    var isFinal: Bool {
        switch self {
        case .done, .failed: true
        case .wantsRead, .wantsWrite: false
        }
    }
}

extension TLSSession {
    /// Reads until nothing more comes, `byteCount` bytes a call.
    borrowing func readAll(upTo byteCount: Int = 4096) -> (bytes: [UInt8], end: ReadResult) {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: byteCount)
        while true {
            var span = buffer.mutableSpan
            let result = read(into: &span)
            guard case .bytes(let count) = result else { return (all, result) }
            all += buffer[..<count]
        }
    }
}
