import Glibc
import TestSupport
import Testing

@testable import Forwarding

/// Large bodies between a fast side and a slow one: whole, and within bounded memory.
struct BackpressureTests {
    static let size = 100 << 20
    static let piece = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    /// What a connection queues before its source is held back, and one read on top.
    static let bound = OutputQueue.highWatermark + 64 * 1024 + 1024

    /// Reads the body with a rest now and then, and says whether it was what was sent.
    static func readSlowly(_ connection: RawConnection) -> Bool {
        for index in 0..<(size >> 20) {
            if index % 10 == 0 { Pause.ofSlowPeer(.milliseconds(40)) }
            guard connection.receive(count: piece.count) == piece else { return false }
        }
        return true
    }

    @Test
    func `a large upload to a workload that reads slowly is whole, and never more than a little of it waits here`()
        async throws
    {
        let backend = TestBackend { connection, backend in
            _ = connection.receive(through: "\r\n\r\n")
            backend.note(Self.readSlowly(connection) ? "whole" : "broken")
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
        try await Shop.serve(backend) { port, mesh in
            let client = try RawConnection(port: port)
            spawn {
                client.send("PUT /a HTTP/1.1\r\nHost: orders\r\nContent-Length: \(Self.size)\r\n\r\n")
                for _ in 0..<(Self.size >> 20) { client.send(Self.piece) }
            }
            let queued = await Self.mostQueued(mesh) { backend.requests.isEmpty }
            let response = client.response()
            #expect(response.status == 200)
            #expect(backend.requests == ["whole"])
            #expect(queued <= Self.bound)
        }
    }

    @Test(arguments: ["Content-Length: \(size)", "Transfer-Encoding: chunked"])
    func `a large download to a caller that reads slowly is whole, and never more than a little of it waits here`(
        framing: String
    ) async throws {
        let isChunked = framing.hasPrefix("T")
        let backend = TestBackend { connection, _ in
            _ = connection.receive(through: "\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\n")
            for _ in 0..<(Self.size >> 20) {
                if isChunked { connection.send("100000\r\n") }
                connection.send(Self.piece)
                if isChunked { connection.send("\r\n") }
            }
            if isChunked { connection.send("0\r\n\r\n") }
        }
        try await Shop.serve(backend) { port, mesh in
            // To HTTP/1.0 chunks are a body until the end.
            let client = try RawConnection(port: port)
            client.send("GET /a HTTP/1.\(isChunked ? 0 : 1)\r\nHost: orders\r\n\r\n")
            spawn {
                _ = client.receive(through: "\r\n\r\n")
                backend.note(Self.readSlowly(client) ? "whole" : "broken")
            }
            let queued = await Self.mostQueued(mesh) { backend.requests.isEmpty }
            #expect(backend.requests == ["whole"])
            #expect(queued <= Self.bound)
        }
    }

    @Test func `a workload's connection whose answer was held back to its end carries the next call`() async throws {
        let backend = TestBackend { connection, backend in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return }
                backend.note(head)
                let path = head.split(separator: " ")[1]
                let size = Int(path.dropFirst()) ?? 0
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
                connection.send([UInt8](Self.piece.prefix(size)))
            }
        }
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            // Somewhere among these the last read of a body fills the queue.
            for size in stride(from: 48 * 1024, through: 160 * 1024, by: 4 * 1024) {
                client.send("GET /\(size) HTTP/1.1\r\nHost: orders\r\n\r\n")
                _ = client.receive(through: "\r\n\r\n")
                let body = client.receive(count: size)
                #expect(body.count == size)
                guard body.count == size else { return }
            }
        }
    }

    private static func mostQueued(_ mesh: TestMesh, while isRunning: () -> Bool) async -> Int {
        var most = 0
        await Poll.until {
            most = max(most, await mesh.dataPlane.report().counters.queuedBytes)
            return !isRunning()
        }
        return most
    }
}
