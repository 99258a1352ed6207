import CommonValues
import Cryptography
import Diagnostics
import EventLoops
import Forwarding
import Glibc
import Manifests
import Reconciliation
import SPIFFE
import TestSupport
import Testing

@testable import NodeServing

@Suite struct `What serves a host` {
    let node: TestNode

    init() throws { node = try TestNode() }

    private func listens(_ port: UInt16) -> Bool {
        node.participant.dataPlane?.listens(at: .ip(IPAddress("127.0.0.1")!, port: port)) ?? false
    }

    @Test func `a set serves once it is committed`() async throws {
        let port = TestPort.free()
        let change = try await node.prepare(gateway(port))
        #expect(node.participant.serving == nil)
        await change.commit()
        #expect(node.participant.serving != nil)
        #expect(listens(port))
        await node.participant.drain()
    }

    @Test func `what is abandoned leaves its port to others, and what served goes on`() async throws {
        let (served, other) = (TestPort.free(), TestPort.free())
        try await node.serve(gateway(served))
        let change = try await node.prepare(gateway(served, other))
        await change.abandon()
        #expect(listens(served) && !listens(other))
        #expect(node.participant.serving?.plan.listenerDescriptions.count == 1)
        let descriptor = TestPort.listen(at: other, backlog: 1)
        #expect(Glibc.listen(descriptor, 1) == 0)
        close(descriptor)
        await node.participant.drain()
    }

    @Test func `a port that another process has is held back alone, until it is free`() async throws {
        let (free, taken) = (TestPort.free(), TestPort.free())
        let other = TestPort.listen(at: taken, backlog: 1)
        let said = try await node.serve(gateway(free, taken))
        #expect(said.map(\.code) == [.cannotListen])
        #expect(listens(free) && !listens(taken))
        close(other)
        await node.participant.retry()
        #expect(node.participant.heldBack.isEmpty)
        #expect(listens(taken))
        await node.participant.drain()
    }

    @Test func `a certificate that cannot be read is a problem of its listener alone`() async throws {
        let (plain, secure) = (TestPort.free(), TestPort.free())
        let tls = "{certificateFile: a.pem, keyFile: a.key}"
        let manifests =
            gateway(plain) + "\n---\n"
            + gateway(secure, tls: tls).split(separator: "---\n")[1].replacing("edge", with: "b")
        let said = try await node.serve(manifests)
        #expect(said.map(\.code) == [.badCertificate])
        #expect(listens(plain))

        let authority = try SigningAuthority.makeRoot(for: TrustDomain("example.com")!, at: .now)
        node.write("a.pem", try authority.certificate.pem())
        node.write("a.key", try authority.key.pem())
        await node.participant.retry()
        #expect(node.participant.heldBack.isEmpty)
        #expect(listens(secure))
        await node.participant.drain()
    }

    @Test func `a former certificate that goes on is told by its own file`() async throws {
        let port = TestPort.free()
        let authority = try SigningAuthority.makeRoot(for: TrustDomain("example.com")!, at: .now)
        node.write("a.pem", try authority.certificate.pem())
        node.write("a.key", try authority.key.pem())
        try await node.serve(gateway(port, tls: "{certificateFile: a.pem, keyFile: a.key}"))
        let said = try await node.serve(gateway(port, tls: "{certificateFile: b.pem, keyFile: b.key}"))
        #expect(said.map(\.code) == [.badCertificate])
        let shown = node.participant.serving?.certificates.filter { $0.use == .gateway }
        #expect(shown?.map(\.name) == ["a.pem"])
        #expect(shown?.first?.serial == authority.certificate.serial)
        await node.participant.drain()
    }

    @Test func `a rehearsal says what the change would, and leaves no trace`() async throws {
        let (first, second) = (TestPort.free(), TestPort.free())
        let tls = "{certificateFile: a.pem, keyFile: a.key}"
        let said = try await node.rehearse(gateway(first, second, tls: tls))
        #expect(said.map(\.code) == [.badCertificate, .badCertificate])
        #expect(node.participant.dataPlane == nil)
        #expect(node.participant.serving == nil)
        #expect(node.kept.isEmpty)
        #expect(try await node.serve(gateway(first, second, tls: tls)).map(\.code) == said.map(\.code))
        #expect(!node.kept.isEmpty)
        await node.participant.drain()
    }

    @Test func `a setting of the start is told to need another start, and the former stays in force`() async throws {
        let port = TestPort.free()
        try await node.serve(gateway(port, mesh: "{proxy: {workers: 1}}"))
        #expect(try await node.serve(gateway(port, mesh: "{proxy: {workers: 2}}")).map(\.code) == [.restartNeeded])
        #expect(node.participant.dataPlane?.workerCount == 1)
        #expect(try await node.serve(gateway(port, mesh: "{proxy: {workers: 1}}")).isEmpty)
        await node.participant.drain()
    }
}
