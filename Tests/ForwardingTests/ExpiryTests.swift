import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// What becomes of connections between nodes whose certificates end.
struct ExpiryTests {
    /// Both nodes have what `tls` is.
    private static func nodes(orders: TestBackend, _ tls: TLSMaterial) async throws -> NodePair {
        try await NodePair(
            orders: orders.port, callingWith: tls, answeringWith: tls,
            peerTerms: PeerTerm.Limits(lead: .milliseconds(500), grace: .milliseconds(200)))
    }

    /// Sends half of an answer, and the rest when `mayGoOn`.
    private static func halting(_ mayGoOn: @escaping @Sendable () -> Bool) -> TestBackend {
        TestBackend { connection, backend in
            let head = connection.receive(through: "\r\n\r\n")
            backend.note(head)
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            Poll.until(mayGoOn)
            connection.send("cd")
            _ = connection.receive()
        }
    }

    private static let get = "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n"

    @Test func `a call is cut when its peer's certificate is over and nothing more is proved`() async throws {
        let identities = try TestIdentities.shared.get()
        let isOver = Mutex(false)
        let orders = Self.halting { isOver.withLock { $0 } }
        let nodes = try await Self.nodes(orders: orders, identities.material(lasting: .seconds(3)))
        let client = try RawConnection(port: nodes.port)
        client.send(Self.get)
        #expect(client.receive(through: "\r\n\r\nab").hasSuffix("ab"))
        // Nothing else ends it: the call has no timeout of its own that is shorter.
        #expect(client.receive().isEmpty)
        #expect(client.isEnded)
        let cut =
            await nodes.a.dataPlane.report().counters.expiredConnections
            + nodes.b.dataPlane.report().counters.expiredConnections
        #expect(cut >= 1)
        isOver.withLock { $0 = true }
        await nodes.stop()
    }

    @Test func `a call goes on while both sides prove the same on another connection`() async throws {
        let identities = try TestIdentities.shared.get()
        let mayGoOn = Mutex(false)
        let orders = Self.halting { mayGoOn.withLock { $0 } }
        let nodes = try await Self.nodes(orders: orders, identities.material(lasting: .seconds(3)))
        let client = try RawConnection(port: nodes.port)
        client.send(Self.get)
        #expect(client.receive(through: "\r\n\r\nab").hasSuffix("ab"))
        // Renewed: the call stays where it is, and proof is made without another call.
        try await nodes.rotate(identities.material(lasting: .seconds(6)))
        #expect(await nodes.accepted(atLeast: 2) == 2)
        // That one's certificates end, too, and are asked for once more: by now the first ones are over.
        try await nodes.rotate(identities.material(lasting: .seconds(3600)))
        #expect(await nodes.accepted(atLeast: 3) == 3)
        mayGoOn.withLock { $0 = true }
        #expect(client.receive(through: "cd").hasSuffix("cd"))
        await nodes.stop()
    }

    @Test func `calls after the certificates' end go out on a connection with new ones`() async throws {
        let identities = try TestIdentities.shared.get()
        let orders = TestBackend.echo()
        let nodes = try await Self.nodes(orders: orders, identities.material(lasting: .seconds(3)))
        #expect(try RawConnection.call(port: nodes.port, Self.get).status == 200)
        // The callee alone has new ones: the caller's side finds out by the end of what it was shown.
        await nodes.b.dataPlane.rotate(try identities.material(lasting: .seconds(3600)))
        var statuses: Set<Int> = []
        try await Poll.until {
            statuses.insert(try RawConnection.call(port: nodes.port, Self.get).status)
            let accepted = await nodes.b.dataPlane.report().counters.accepted
            return accepted >= 2 || statuses != [200]
        }
        #expect(statuses == [200])
        await nodes.stop()
    }
}

extension NodePair {
    fileprivate func rotate(_ tls: TLSMaterial) async {
        await b.dataPlane.rotate(tls)
        await a.dataPlane.rotate(tls)
    }

    /// Connections that `b` has accepted, once they are at least so many.
    fileprivate func accepted(atLeast count: UInt64) async -> UInt64 {
        var accepted: UInt64 = 0
        await Poll.until {
            accepted = await b.dataPlane.report().counters.accepted
            return accepted >= count
        }
        return accepted
    }
}
