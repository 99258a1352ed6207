import CLinux
import CommonValues
import Cryptography
import Glibc
import SPIFFE
import TransportSecurity

/// Full mutual handshakes between two sessions of this process over a socket pair: how many a CPU second, for both sides
/// together and for each, and what a session keeps in memory once it idles.
///
///     swift run -c release HandshakeBenchmark [handshakes]
@main
enum HandshakeBenchmark {
    static func main() throws {
        let handshakes = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 4000
        let peers = try Peers()
        for _ in 0..<200 { try peers.connect().handshake() }

        var server = 0.0
        var client = 0.0
        var calls = (receive: UInt64(0), send: UInt64(0))
        let start = cpuSeconds()
        for _ in 0..<handshakes {
            let pair = try peers.connect()
            try pair.handshake()
            server += pair.serverSeconds
            client += pair.clientSeconds
            calls.receive += pair.server.receiveCalls
            calls.send += pair.server.sendCalls
        }
        let total = cpuSeconds() - start
        let count = Double(handshakes)
        print("full mutual handshakes: \(handshakes)")
        print("a CPU second, both sides: \(Int(count / total))")
        print("a CPU second, server alone: \(Int(count / server)); client alone: \(Int(count / client))")
        print("system calls of a server: \(Double(calls.receive) / count) recv, \(Double(calls.send) / count) send")

        try measureIssuing(peers)
        try measureMemory(peers)
    }

    private static func measureIssuing(_ peers: Peers) throws {
        let start = cpuSeconds()
        for _ in 0..<1000 { _ = try peers.authority.issue(peers.clientID, lifetime: .seconds(3600), at: .now) }
        print("issuing a certificate: \(Int((cpuSeconds() - start) * 1000)) µs")
        let before = cpuSeconds()
        for _ in 0..<100 { _ = try TLSContext.meshClient(bundle: peers.bundle) }
        print("making a context: \(Int((cpuSeconds() - before) * 10_000)) µs")
    }

    private static func measureMemory(_ peers: Peers) throws {
        let count = 1000
        var pairs: [Pair] = []
        pairs.reserveCapacity(count)
        let before = mallocBytes()
        for _ in 0..<count {
            let pair = try peers.connect()
            try pair.handshake()
            try pair.exchangeByte()
            pairs.append(pair)
        }
        let active = mallocBytes() - before
        for pair in pairs {
            pair.server.releaseBuffers()
            pair.client.releaseBuffers()
        }
        let idle = mallocBytes() - before
        print("memory of a session: \(active / count / 2) bytes, idle with released buffers \(idle / count / 2) bytes")
    }

    static func cpuSeconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func mallocBytes() -> Int {
        let info = mallinfo2()
        return info.uordblks + info.hblkhd
    }
}

/// A mesh of two services whose sessions meet in this process.
struct Peers {
    let authority: SigningAuthority
    let bundle: TrustBundle
    let clientID: SPIFFEID
    let serverID: SPIFFEID
    let clientIdentity: X509SVID
    let serverContext: TLSContext
    let clientContext: TLSContext

    init() throws {
        let domain = TrustDomain("mesh.local")!
        authority = try SigningAuthority.makeRoot(for: domain, at: .now)
        bundle = try TrustBundle(trustDomain: domain, roots: [authority.certificate])
        clientID = SPIFFEID(trustDomain: domain, namespace: "shop", serviceAccount: "web")
        serverID = SPIFFEID(trustDomain: domain, namespace: "shop", serviceAccount: "orders")
        clientIdentity = try authority.issue(clientID, lifetime: .seconds(3600), at: .now)
        let serverIdentity = try authority.issue(serverID, lifetime: .seconds(3600), at: .now)
        serverContext = try TLSContext.meshServer(identities: ["orders.shop.mesh": serverIdentity], bundle: bundle)
        clientContext = try TLSContext.meshClient(bundle: bundle)
    }

    func connect() throws -> Pair { try Pair(self) }
}

/// Both ends of one connection.
final class Pair {
    let server: TLSSession
    let client: TLSSession
    private let descriptors: (CInt, CInt)
    private(set) var serverSeconds = 0.0
    private(set) var clientSeconds = 0.0

    init(_ peers: Peers) throws {
        var pair: [CInt] = [0, 0]
        guard unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0 else {
            fatalError("no socket pair: errno \(errno)")
        }
        descriptors = (pair[0], pair[1])
        let start = HandshakeBenchmark.cpuSeconds()
        server = try TLSSession(accepting: peers.serverContext, descriptor: pair[0])
        let middle = HandshakeBenchmark.cpuSeconds()
        client = try TLSSession(
            connecting: peers.clientContext, as: peers.clientIdentity, serverName: "orders.shop.mesh",
            acceptableIDs: [peers.serverID], descriptor: pair[1])
        serverSeconds = middle - start
        clientSeconds = HandshakeBenchmark.cpuSeconds() - middle
    }

    deinit {
        close(descriptors.0)
        close(descriptors.1)
    }

    func handshake() throws {
        while true {
            let start = HandshakeBenchmark.cpuSeconds()
            client.socketBecameReadable()
            let clientResult = client.handshake()
            let middle = HandshakeBenchmark.cpuSeconds()
            server.socketBecameReadable()
            let serverResult = server.handshake()
            clientSeconds += middle - start
            serverSeconds += HandshakeBenchmark.cpuSeconds() - middle
            if case .failed(let failure) = clientResult { throw failure }
            if case .failed(let failure) = serverResult { throw failure }
            if clientResult == .done, serverResult == .done { return }
        }
    }

    /// A byte each way, so that every buffer has been in use.
    func exchangeByte() throws {
        let byte: [UInt8] = [1]
        var buffer: [UInt8] = [0]
        _ = client.write(byte.span)
        _ = server.write(byte.span)
        client.socketBecameReadable()
        server.socketBecameReadable()
        var bytes = buffer.mutableSpan
        _ = client.read(into: &bytes)
        _ = server.read(into: &bytes)
    }
}
