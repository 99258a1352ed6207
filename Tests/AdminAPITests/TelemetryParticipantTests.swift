import CommonValues
import Diagnostics
import EventLoops
import Manifests
import MeshFixtures
import MeshSnapshot
import Reconciliation
import SystemInterfaces
import Testing

@testable import AdminAPI

@Suite struct TelemetryParticipantTests {
    private let folder: TemporaryFolder
    private let loopback = IPAddress(v4: 0x7F00_0001)

    init() throws { folder = try TemporaryFolder() }

    private func snapshot(port: UInt16) throws -> MeshSnapshot {
        try MeshSnapshot(
            """
            apiVersion: heddle/v1
            kind: Mesh
            metadata: {name: mesh}
            spec: {telemetry: {listen: "127.0.0.1:\(port)"}}
            """)
    }

    private func commit(_ participant: TelemetryParticipant, port: UInt16) async throws -> [Diagnostic.Code] {
        let change = try await participant.prepare(snapshot(port: port), generation: Generation(number: 1, hash: ""))
        await change.commit()
        return change.warnings.map(\.code)
    }

    private func rehearse(_ participant: TelemetryParticipant, port: UInt16) async throws -> [Diagnostic.Code] {
        try await participant.rehearse(snapshot(port: port), generation: Generation(number: 1, hash: "")).map(\.code)
    }

    private func isFree(_ port: UInt16) -> Bool {
        guard let socket = try? Socket.bound(to: .ip(loopback, port: port), sharesPort: false) else { return false }
        return (try? socket.listen()) != nil
    }

    /// On a thread of its own: it blocks, and tasks have few threads.
    private func answers(_ port: UInt16) async -> Bool {
        await withCheckedContinuation { continuation in
            try! SystemThread.start(name: "client") {
                let answer = try? rawExchange(port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                continuation.resume(returning: answer?.hasPrefix("HTTP/1.1 200 ") ?? false)
            }
        }
    }

    @Test func `a port that is taken refuses no set, closes the former one, and is taken up once it is free`()
        async throws
    {
        let server = try AdminServer(mesh: FakeMesh(), socketPath: folder.socketPath)
        let participant = TelemetryParticipant()
        participant.attach(server)
        let running = Task { await server.run() }
        let spare = try Socket.bound(to: .ip(loopback, port: 0), sharesPort: false)
        let first = spare.localAddress().port
        _ = consume spare
        #expect(try await commit(participant, port: first) == [])
        #expect(await answers(first))

        let stranger = try Socket.bound(to: .ip(loopback, port: 0), sharesPort: false)
        try stranger.listen()
        let second = stranger.localAddress().port
        #expect(try await commit(participant, port: second) == [.telemetryPort])
        #expect(participant.heldBack.map(\.code) == [.telemetryPort])
        // Closing goes to the server's thread by its mailbox.
        while !isFree(first) { await Task.yield() }
        await participant.retry()
        #expect(participant.heldBack.map(\.code) == [.telemetryPort])
        #expect(try await rehearse(participant, port: second) == [.telemetryPort])
        _ = consume stranger
        #expect(try await rehearse(participant, port: second) == [])
        #expect(isFree(second))
        await participant.retry()
        #expect(participant.heldBack.isEmpty)
        #expect(await answers(second))
        running.cancel()
        await running.value
    }
}
