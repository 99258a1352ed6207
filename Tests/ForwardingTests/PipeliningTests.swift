import TestSupport
import Testing

@testable import Forwarding

/// Several requests on one connection: what one call leaves behind must not reach another.
struct PipeliningTests {
    @Test func `pipelined chunked requests with trailers are answered in their order`() async throws {
        try await Shop.serve(.echo()) { port, _ in
            let client = try RawConnection(port: port)
            client.send(
                (0..<10).map {
                    "POST /\($0) HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n0\($0)\r\n0\r\nX-T: \($0)\r\n\r\n"
                }.joined())
            for number in 0..<10 {
                let response = client.response()
                #expect(response.body.hasPrefix("POST /\(number) "))
            }
        }
    }

    @Test func `chunked answers to pipelined chunked requests are told apart`() async throws {
        let backend = TestBackend { connection, _ in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return }
                _ = connection.receive(through: "\r\n0\r\n\r\n")
                connection.send(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Answer: 1\r\n\r\n")
            }
        }
        try await Shop.serve(backend) { port, _ in
            let client = try RawConnection(port: port)
            let request = "POST /p HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
            client.send(request + request + request)
            for _ in 0..<3 {
                let response = client.response()
                #expect((response.body, response.trailers) == ("abc", "x-answer: 1\r\n"))
            }
        }
    }

    @Test func `trailers of one call never end another one's answer`() async throws {
        let backend = TestBackend { connection, _ in
            let head = connection.receive(through: "\r\n\r\n")
            if head.hasPrefix("GET /secret") {
                connection.send(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Secret: mine\r\n\r\n")
            } else {
                connection.send("HTTP/1.1 200 OK\r\n\r\nuntil the end")
            }
        }
        try await Shop.serve(backend) { port, _ in
            let first = try RawConnection.call(port: port, "GET /secret HTTP/1.1\r\nHost: orders\r\n\r\n")
            let second = try RawConnection.call(port: port, "GET /open HTTP/1.1\r\nHost: orders\r\n\r\n")
            #expect(first.trailers.contains("x-secret: mine"))
            #expect(second.body == "until the end")
            #expect(!second.trailers.contains("secret"))
        }
    }

    @Test func `a caller that ends its half after several requests gets all their answers`() async throws {
        try await Shop.serve(.echo()) { port, _ in
            let client = try RawConnection(port: port)
            client.send((0..<5).map { "GET /\($0) HTTP/1.1\r\nHost: orders\r\n\r\n" }.joined())
            client.endOutput()
            for number in 0..<5 {
                let response = client.response()
                #expect(response.body.hasPrefix("GET /\(number) "))
            }
            #expect(client.endsCleanly() == true)
        }
    }

    @Test func `refusals to a caller that ends its half reach it too`() async throws {
        try await Shop.serve(.echo(), rule: Shop.readsOrders) { port, _ in
            let client = try RawConnection(port: port)
            client.send((0..<5).map { "GET /admin\($0) HTTP/1.1\r\nHost: orders\r\n\r\n" }.joined())
            client.endOutput()
            for _ in 0..<5 {
                let response = client.response()
                #expect(response.status == 403)
            }
            #expect(client.endsCleanly() == true)
        }
    }

    @Test func `an answer still on its way is not lost when the caller ends its half`() async throws {
        let size = 12 << 20
        let backend = TestBackend { connection, _ in
            _ = connection.receive(through: "\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            connection.send([UInt8](repeating: 7, count: size))
        }
        try await Shop.serve(backend) { port, mesh in
            let client = try RawConnection(port: port)
            client.send("GET / HTTP/1.1\r\nHost: orders\r\n\r\n")
            _ = client.receive(through: "\r\n\r\n")
            var left = size
            // All but what fits into buffers on the way, so that the callee is done and the answer is not.
            left -= client.receive(count: size - 256 * 1024).count
            client.endOutput()
            client.waitUntilDelivered()
            _ = await mesh.dataPlane.report()
            left -= client.receive(count: left).count
            #expect(left == 0)
        }
    }

    @Test func `a caller that sends requests and reads no answer is held back, and gets every answer once it reads`()
        async throws
    {
        let count = 60_000
        try await Shop.serve(.echo(), rule: Shop.readsOrders) { port, mesh in
            let client = try RawConnection(port: port)
            spawn {
                let batch = String(repeating: "GET /x HTTP/1.1\r\nHost: orders\r\n\r\n", count: 100)
                for _ in 0..<(count / 100) { client.send(batch) }
            }
            // Until nothing moves: what is queued here is then all there will be.
            #expect(await mesh.comesToRest())
            let queued = await mesh.dataPlane.report().counters.queuedBytes
            #expect(queued <= OutputQueue.highWatermark + 64 * 1024)
            let first = client.response()
            let size = first.head.utf8.count + first.body.utf8.count
            let rest = client.receive(count: (count - 1) * size)
            #expect(first.status == 403)
            #expect(rest.count == (count - 1) * size)
            #expect(rest.suffix(7) == Array("denied\n".utf8)[...])
        }
    }
}
