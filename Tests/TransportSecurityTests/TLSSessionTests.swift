import Cryptography
import Glibc
import SPIFFE
import Testing
import TransportSecurity

@Suite struct `TLS sessions` {
    let mesh: TestMesh

    init() throws { mesh = try TestMesh() }

    private func connected() throws -> TestPair {
        let pair = try mesh.connect()
        let results = pair.handshake()
        try #require(results.server == .done && results.client == .done)
        return pair
    }

    @Test func `both sides learn whom they talk to`() throws {
        let pair = try connected()
        let (serverSees, clientSees) = (pair.server.peerID, pair.client.peerID)
        let (name, version, spoken) = (pair.server.serverName, pair.server.version, pair.client.applicationProtocol)
        #expect(serverSees == TestMesh.web)
        #expect(clientSees == TestMesh.orders)
        #expect(name == "orders.shop.mesh")
        #expect(version == "TLSv1.3")
        #expect(spoken == "h2")
    }

    @Test(arguments: [1, 7, 100_000]) func `bytes arrive whole and in order`(byteCountOfARead: Int) throws {
        let pair = try connected()
        let sent = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        var offset = 0
        var received: [UInt8] = []
        while received.count < sent.count {
            if offset < sent.count {
                switch pair.client.write(sent.span.extracting(offset..<sent.count)) {
                case .bytes(let count): offset += count
                case .wouldBlock: break
                case .failed(let failure): throw failure
                }
            }
            pair.server.socketBecameReadable()
            let read = pair.server.readAll(upTo: byteCountOfARead)
            try #require(read.end == .wouldBlock)
            received += read.bytes
            pair.client.socketBecameWritable()
        }
        #expect(received == sent)
    }

    @Test func `single bytes written are single records read together`() throws {
        let pair = try connected()
        for byte in UInt8(0)..<50 {
            let result = pair.server.write([byte].span)
            #expect(result == .bytes(1))
        }
        pair.client.socketBecameReadable()
        let before = pair.client.receiveCalls
        let read = pair.client.readAll()
        let calls = pair.client.receiveCalls - before
        #expect(read.bytes == Array(0..<50))
        #expect(read.end == .wouldBlock)
        #expect(calls == 1)
    }

    @Test func `after a short read the kernel is not asked again until the socket became readable`() throws {
        let pair = try connected()
        pair.client.socketBecameReadable()
        _ = pair.client.readAll()
        let before = pair.client.receiveCalls
        _ = pair.server.write([1, 2, 3].span)
        let unasked = pair.client.readAll()
        #expect(unasked.bytes.isEmpty)
        #expect(unasked.end == .wouldBlock)
        pair.client.socketBecameReadable()
        let asked = pair.client.readAll()
        let calls = pair.client.receiveCalls - before
        #expect(asked.bytes == [1, 2, 3])
        #expect(calls == 1)
    }

    @Test func `data and the end in one event are both seen`() throws {
        let pair = try connected()
        _ = pair.server.write([1, 2, 3].span)
        let told = pair.server.shutdown()
        #expect(told)
        pair.sockets.close(pair.sockets.first)
        pair.client.socketBecameReadable(hangup: true)
        let read = pair.client.readAll()
        #expect(read.bytes == [1, 2, 3])
        #expect(read.end == .closed)
    }

    @Test func `an end without close_notify is told from one with it`() throws {
        let pair = try connected()
        _ = pair.server.write([1, 2, 3].span)
        pair.sockets.close(pair.sockets.first)
        pair.client.socketBecameReadable(hangup: true)
        let read = pair.client.readAll()
        #expect(read.bytes == [1, 2, 3])
        #expect(read.end == .truncated)
    }

    @Test func `after close_notify the other direction goes on`() throws {
        let pair = try connected()
        pair.client.shutdown()
        pair.server.socketBecameReadable()
        let end = pair.server.readAll().end
        #expect(end == .closed)
        let written = pair.server.write([9].span)
        #expect(written == .bytes(1))
        pair.client.socketBecameReadable()
        let read = pair.client.readAll()
        #expect(read.bytes == [9])
    }

    @Test func `a record that was changed on its way ends the session`() throws {
        let pair = try connected()
        let garbage: [UInt8] = [23, 3, 3, 0, 32] + [UInt8](repeating: 7, count: 32)
        _ = unsafe garbage.withUnsafeBytes { unsafe send(pair.sockets.first, $0.baseAddress, $0.count, 0) }
        pair.client.socketBecameReadable()
        let end = pair.client.readAll().end
        let again = pair.client.readAll().end
        guard case .failed(.library(let error)) = end else {
            Issue.record("read \(end)")
            return
        }
        #expect(error.code == .protocolViolation)
        #expect(again == end)
    }

    @Test func `bytes that are not TLS fail the handshake`() throws {
        let pair = try mesh.connect()
        let garbage = Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        _ = unsafe garbage.withUnsafeBytes { unsafe send(pair.sockets.second, $0.baseAddress, $0.count, 0) }
        let result = pair.server.handshake()
        guard case .failed(.library) = result else {
            Issue.record("handshake \(result)")
            return
        }
    }

    @Test func `a peer that hangs up fails the handshake`() throws {
        let pair = try mesh.connect()
        pair.sockets.close(pair.sockets.second)
        let result = pair.server.handshake()
        #expect(result == .failed(.connectionLost(errno: 0)))
    }

    @Test func `a full socket takes part of the output and then none`() throws {
        let pair = try connected()
        let big = [UInt8](repeating: 5, count: 8 << 20)
        let first = pair.client.write(big.span)
        guard case .bytes(let taken) = first else {
            Issue.record("write \(first)")
            return
        }
        #expect(taken < big.count)
        let before = pair.client.sendCalls
        let second = pair.client.write(big.span.extracting(taken..<big.count))
        let calls = pair.client.sendCalls - before
        #expect(second == .wouldBlock)
        #expect(calls == 0)
    }

    @Test func `an idle session gives its buffers back and goes on`() throws {
        let pair = try connected()
        let (server, client) = (pair.server.releaseBuffers(), pair.client.releaseBuffers())
        #expect(server && client)
        _ = pair.client.write([1].span)
        pair.server.socketBecameReadable()
        let read = pair.server.readAll()
        #expect(read.bytes == [1])
    }

    @Test func `sessions live on when their context is gone`() throws {
        let pair: TestPair
        do {
            let server = try mesh.serverContext()
            pair = try mesh.connect(to: server)
        }
        let results = pair.handshake()
        #expect(results.server == .done)
        // What rotation does: new contexts, for new sessions only.
        let rotated = try mesh.connect(to: mesh.serverContext())
        let rotatedResults = rotated.handshake()
        #expect(rotatedResults.client == .done)
        _ = pair.client.write([1].span)
        pair.server.socketBecameReadable()
        let read = pair.server.readAll()
        #expect(read.bytes == [1])
    }

    @Test func `a server name that nothing answers to is refused`() throws {
        let pair = try mesh.connect(serverName: "payments.shop.mesh")
        let results = pair.handshake()
        #expect(results.server == .failed(.unknownServerName(asked: "payments.shop.mesh")))
        #expect(results.client == .failed(.alertReceived(TLSAlert(rawValue: 112))))
    }

    @Test func `reasons are stable names`() {
        #expect(TLSFailure.peerRejected(.otherTrustDomain).reason == "other-trust-domain")
        #expect(TLSFailure.alertReceived(TLSAlert(rawValue: 116)).reason == "alert-certificate-required")
        #expect(TLSFailure.unknownServerName(asked: nil).reason == "unknown-server-name")
        #expect(TLSFailure.connectionLost(errno: ECONNRESET).reason == "connection-lost")
    }
}
