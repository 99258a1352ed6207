import Glibc
import HPACKCoding
import Synchronization
import TestSupport
import Testing

/// A workload of protocol HTTP2 that does what a test says, behind a mesh of its own, and a caller in front of that.
enum ScriptedWorkload {
    /// - Parameters:
    ///   - isEndless: The script goes on until its connection ends, which it does after `call`.
    ///   - script: What the workload does on each connection, the first of which is 0, once the prefaces are exchanged;
    ///     its thread is not the test's, so it returns what is wrong. The connection is closed when it returns.
    ///   - call: What the caller does at `port`.
    /// - Returns: What the first connection's script returned.
    static func serve(
        settings: [Setting] = [], isEndless: Bool = false, script: @escaping @Sendable (HTTP2Probe, Int) -> String?,
        call: (_ port: UInt16, _ backend: TestBackend) async throws -> Void
    ) async throws -> String? {
        let connections = Mutex<[RawConnection]>([])
        let (verdicts, verdict) = AsyncStream<String?>.makeStream()
        let backend = TestBackend { connection, _ in
            let index = connections.withLock { connections in
                connections.append(connection)
                return connections.count - 1
            }
            let probe = HTTP2Probe(connection, role: .server)
            var problem: String? = "no handshake; \(probe.story)"
            if probe.shakeHands(settings) { problem = script(probe, index) }
            if index == 0 {
                verdict.yield(problem)
                // A caller of HTTP/1.1 may still have an answer to come.
                probe.readToEnd()
            }
        }
        let port = TestPort.free()
        let mesh = try await TestedMesh(
            [TestedMesh.proxy, TestedMesh.shop("shop", protocol: "HTTP2", orders: backend.port, outbound: port)]
                .joined(separator: "\n---\n"))
        do { try await call(port, backend) } catch {
            await mesh.stop()
            throw error
        }
        try #require(backend.connectionCount > 0, "nobody called the workload")
        let disconnect = {
            for connection in connections.withLock({ $0 }) { shutdown(connection.descriptor, CInt(SHUT_RDWR)) }
        }
        if isEndless { disconnect() }
        var problem: String?
        for await first in verdicts {
            problem = first
            break
        }
        disconnect()
        await mesh.stop()
        return problem
    }

    static let get = "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n"

    static func post(_ count: Int) -> String {
        "POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: \(count)\r\n\r\n" + String(repeating: "p", count: count)
    }
}

/// What a caller of HTTP/1.1 gets to see.
struct CallerView: Sendable {
    var status = 0
    var head = ""
    var body = ""
    var trailers = ""
    /// The content is all there: as long as its length says, or with its last chunk.
    var isWhole = false

    /// The connection ended, with an answer of success that is not all there, or none.
    private(set) var isCutOff = false

    /// Reads a response whatever becomes of it.
    init(_ connection: RawConnection, toHead: Bool = false) {
        read(connection, toHead)
        isCutOff = connection.isEnded && !isWhole && (status == 0 || status == 200)
    }

    private mutating func read(_ connection: RawConnection, _ toHead: Bool) {
        repeat {
            head = connection.receive(through: "\r\n\r\n")
            status = Response(head: head, body: "").status
        } while (100..<200).contains(status) && head.hasSuffix("\r\n\r\n")
        guard head.hasSuffix("\r\n\r\n") else { return }
        let response = Response(head: head, body: "")
        if toHead || status == 204 || status == 304 {
            isWhole = true
        } else if let length = response.field("content-length").flatMap(Int.init) {
            body = String(latin1: connection.receive(count: length))
            isWhole = body.utf8.count == length
        } else if response.field("transfer-encoding") == "chunked" {
            while let size = Int(connection.receive(through: "\r\n").dropLast(1), radix: 16) {
                if size == 0 {
                    while true {
                        let line = connection.receive(through: "\r\n")
                        guard line.hasSuffix("\r\n") else { return }
                        if line == "\r\n" { break }
                        trailers += line
                    }
                    isWhole = true
                    return
                }
                let chunk = connection.receive(count: size)
                body += String(latin1: chunk)
                guard chunk.count == size, connection.receive(through: "\r\n") == "\r\n" else { return }
            }
        } else {
            body = connection.receiveAll()
            isWhole = connection.isEnded
        }
    }
}

extension RawConnection {
    static func call(port: UInt16, _ request: String, toHead: Bool = false) throws -> CallerView {
        let connection = try RawConnection(port: port)
        connection.send(request)
        return CallerView(connection, toHead: toHead)
    }
}
