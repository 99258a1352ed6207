import COpenSSL
import Cryptography
import TestSupport
import Testing

@testable import TransportSecurity

@Suite struct `What is no data` {
    let mesh: TestMesh

    init() throws { mesh = try TestMesh() }

    /// OpenSSL's own client, which a test can have say what no session of ours does.
    @safe
    private final class Peer {
        let sockets: SocketPair
        let session: TLSSession
        private let context: OpaquePointer
        private let ssl: OpaquePointer

        init(_ mesh: TestMesh) throws {
            var certificates = ServerCredentials()
            certificates.add(try mesh.identity(TestMesh.orders).credentials, for: nil)
            sockets = try SocketPair()
            session = try TLSSession(
                accepting: try TLSContext.gatewayServer(certificates: certificates), descriptor: sockets.first)
            unsafe context = unsafe SSL_CTX_new(TLS_client_method())!
            unsafe ssl = unsafe SSL_new(context)!
            unsafe SSL_set_fd(ssl, sockets.second)
            unsafe SSL_set_connect_state(ssl)
            for _ in 0..<20 {
                let isDone = unsafe SSL_do_handshake(ssl) == 1
                session.socketBecameReadable()
                if session.handshake() == .done, isDone { return }
            }
            throw SetUpError("no handshake")
        }

        deinit {
            unsafe SSL_free(ssl)
            unsafe SSL_CTX_free(context)
        }

        func updateKeys(_ count: Int = 1) {
            for _ in 0..<count {
                unsafe SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED)
                unsafe SSL_do_handshake(ssl)
            }
        }

        func send(_ text: String) {
            for byte in text.utf8 {
                var byte = byte
                unsafe SSL_write(ssl, &byte, 1)
            }
        }

        func read() -> (text: String, end: TLSSession.ReadResult) {
            session.socketBecameReadable()
            let read = session.readAll()
            return (String(decoding: read.bytes, as: UTF8.self), read.end)
        }
    }

    @Test func `key updates between data are taken`() throws {
        let peer = try Peer(mesh)
        for round in 0..<5 {
            peer.updateKeys(RecordTraffic.limit)
            peer.send("\(round)")
            let read = peer.read()
            #expect(read.text == "\(round)")
            #expect(read.end == .wouldBlock)
        }
        let isFlooded = peer.session.isFlooded
        #expect(!isFlooded)
    }

    @Test(arguments: [1, 300]) func `more of them without data end the session`(more: Int) throws {
        let peer = try Peer(mesh)
        peer.send("a")
        peer.updateKeys(RecordTraffic.limit + more)
        peer.send("b")
        let read = peer.read()
        // What came before them is delivered, what came behind them is not looked at.
        #expect(read.text == "a")
        guard case .failed(.library(let error)) = read.end else {
            Issue.record("read ended with \(read.end)")
            return
        }
        #expect(error.code == .protocolViolation)
        let isFlooded = peer.session.isFlooded
        #expect(isFlooded)
        let again = peer.read()
        #expect(again.end == read.end)
    }

    @Test func `they are counted across reads that find nothing else`() throws {
        let peer = try Peer(mesh)
        peer.updateKeys(RecordTraffic.limit)
        let first = peer.read()
        #expect(first.end == .wouldBlock)
        peer.updateKeys()
        guard case .failed = peer.read().end else {
            Issue.record("not ended")
            return
        }
    }

    @Test func `a read takes so much work and no more, and the next goes on`() throws {
        let peer = try Peer(mesh)
        // Not more than the socket takes at once.
        let text = String(repeating: "0123456789", count: 27)
        peer.send(text)
        peer.session.socketBecameReadable()
        var pieces: [Int] = []
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            var span = buffer.mutableSpan
            guard case .bytes(let count) = peer.session.read(into: &span) else { break }
            pieces.append(count)
            all += buffer[..<count]
        }
        #expect(all == Array(text.utf8))
        #expect(pieces.allSatisfy { $0 <= 256 })
    }

    @Test func `messages cost more than records, and only what comes after the handshake is a flood`() {
        var traffic = RecordTraffic()
        for _ in 0..<100 { traffic.receivedRecord() }
        #expect(!traffic.isFlood && !traffic.isEnoughForARead)
        for _ in 0..<10 { traffic.receivedMessage() }
        #expect(!traffic.isFlood && traffic.isEnoughForARead)
        traffic.handshakeDone()
        traffic.readBegins()
        for _ in 0...RecordTraffic.limit { traffic.receivedRecord() }
        #expect(!traffic.isFlood && !traffic.isEnoughForARead)
        traffic.receivedRecord()
        #expect(traffic.isFlood)
        traffic.receivedData()
        #expect(!traffic.isFlood)
    }
}
