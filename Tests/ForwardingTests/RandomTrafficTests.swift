import FuzzKit
import TestSupport
import Testing

@testable import Forwarding

/// Random sequences of requests, written in random pieces, are answered exactly: what the workload says it got is what
/// was sent.
struct RandomTrafficTests {
    struct Request: Sendable {
        let name: String
        let bytes: [UInt8]
        let body: String
    }

    @Test(arguments: 1...24)
    func `random traffic is answered exactly`(seed: UInt64) async throws {
        try await Shop.serve(.echo()) { port, _ in
            var random = SplitMix64(seed: seed)
            let requests = (0..<20).map { Self.request("/\(seed)/\($0)", &random) }
            let pieces = Self.pieces(requests.flatMap(\.bytes), &random)
            let client = try RawConnection(port: port)
            spawn { for piece in pieces { client.send(piece) } }
            for request in requests {
                if request.name.hasPrefix("HEAD") {
                    let head = client.receive(through: "\r\n\r\n")
                    #expect(head.hasPrefix("HTTP/1.1 200 "))
                    continue
                }
                let response = client.response()
                #expect(response.status == 200)
                #expect(response.body.hasPrefix(request.name + " HTTP/1.1\r\n"))
                let parts = response.body.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
                #expect(parts.count == 2 && parts[1] == request.body)
            }
        }
    }

    @Test(arguments: 1...8)
    func `a request is decided and sent on the same in HTTP/1.1 and in HTTP/2`(seed: UInt64) async throws {
        let world = try await PolicyWorld(
            .http1, rule: PolicyTable.rule + "\n---\n" + PolicyTable.route(to: "{kind: Service, name: orders}"))
        var random = SplitMix64(seed: seed)
        var allowedCount = 0
        for _ in 0..<100 {
            let (call, body) = Self.call(&random)
            let before = world.backend.requests.count
            let response = try world.connect().call(call.http1! + body)
            let sent = world.backend.requests.dropFirst(before)
            let peer = HTTP2Peer(calling: try world.connect())
            let stream = peer.begin(call.http2(.http2)!.fields, ends: body.isEmpty)
            if !body.isEmpty { peer.send(HTTP2Peer.FrameType.data, flags: 1, stream: stream, Array(body.utf8)) }
            let answer = peer.answer(on: stream)
            let sentAgain = world.backend.requests.dropFirst(before + sent.count)
            // What is malformed as a message of HTTP/2 is no request that could be answered (RFC 9113 § 8.1.1). Of two
            // mistakes each parser names the one that it finds first.
            let isSame =
                answer.status == response.status || response.status == 400 && answer.reset == 1
                || [response.status, answer.status].allSatisfy([400, 417].contains)
            #expect(isSame, "\(call): \(response.status), \(answer)")
            #expect(Array(sent) == Array(sentAgain), "\(call)")
            if response.status == 200 {
                #expect(response.body == answer.body)
                allowedCount += 1
            }
        }
        #expect(allowedCount > 0)
        await world.stop()
    }

    private static func call(_ random: inout SplitMix64) -> (PolicyCase.Call, body: String) {
        let parts = [
            "admin", "open", "a", "..", ".", "%61dmin", "%2e", "%2E%2e", "", "%2F", "%5c", "\\", "%00", "%zz", "#", "?",
            "?x=%20", "rewritten", "to-admin", "%7E", "%C3%A9", "é", ";v=1", "a b", "hosted", "\u{7F}",
        ]
        let hosts = [
            "orders", "orders", "orders", "ORDERS", "orders.", "orders:80", "orders:", "orders:99999", "shop.example",
            "Shop.Example:80", "orders.shop", "nobody", "or ders", "[::1]", "x@orders", "",
        ]
        let others = [
            ("X-Role", "guest"), ("X-Role", "admin"), ("X-Heddle-Caller", "forged"), ("Cookie", "a=b; c=d"),
            ("Accept", "*/*"), ("X-Empty", ""), ("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Client-Cert", "forged"), ("Expect", "never"),
        ]
        var path = Int.random(in: 0..<20, using: &random) == 0 ? "" : "/"
        for index in 0..<Int.random(in: 1...4, using: &random) {
            path += (index == 0 ? "" : "/") + parts.randomElement(using: &random)!
        }
        let body = String(repeating: "b", count: [0, 0, 1, 300].randomElement(using: &random)!)
        var fields = [("X-Request-Id", "fixed")]
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let field = others.randomElement(using: &random)!
            // Several cookies are one in HTTP/2, and several in HTTP/1.1.
            if field.0 != "Cookie" || !fields.contains(where: { $0.0 == "Cookie" }) { fields.append(field) }
        }
        if !body.isEmpty { fields.append(("Content-Length", "\(body.utf8.count)")) }
        return (
            .request(
                method: ["GET", "PUT", "POST", "DELETE", "X-Y", "get"].randomElement(using: &random)!, path: path,
                host: hosts.randomElement(using: &random)!, fields: fields), body
        )
    }

    private static func request(_ path: String, _ random: inout SplitMix64) -> Request {
        let size = [0, 1, 17, 1_000, 16_384, 70_000].randomElement(using: &random)!
        let body = (0..<size).map { _ in UInt8.random(in: 0x61...0x7A, using: &random) }
        let fields = (0..<Int.random(in: 0...5, using: &random)).map {
            "X-\($0): \(String(repeating: "v", count: $0 * 20))\r\n"
        }
        .joined()
        let start = "HTTP/1.1\r\nHost: orders\r\n\(fields)"
        let text = String(decoding: body, as: UTF8.self)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return Request(name: "GET \(path)", bytes: Array("GET \(path) \(start)\r\n".utf8), body: "")
        case 1: return Request(name: "HEAD \(path)", bytes: Array("HEAD \(path) \(start)\r\n".utf8), body: "")
        case 2:
            return Request(
                name: "PUT \(path)", bytes: Array("PUT \(path) \(start)Content-Length: \(size)\r\n\r\n".utf8) + body,
                body: text)
        default:
            var bytes = Array("POST \(path) \(start)Transfer-Encoding: chunked\r\n\r\n".utf8)
            var left = body[...]
            while !left.isEmpty {
                let chunk = left.prefix(Int.random(in: 1...20_000, using: &random))
                bytes += Array("\(String(chunk.count, radix: 16))\r\n".utf8) + chunk + [13, 10]
                left = left.dropFirst(chunk.count)
            }
            let trailer = Bool.random(using: &random) ? "x-trailer: \(size)\r\n" : ""
            bytes += Array("0\r\n\(trailer)\r\n".utf8)
            return Request(name: "POST \(path)", bytes: bytes, body: text + trailer + "\r\n")
        }
    }

    private static func pieces(_ bytes: [UInt8], _ random: inout SplitMix64) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var left = bytes[...]
        let most = [3, 100, 5_000, 100_000].randomElement(using: &random)!
        while !left.isEmpty {
            // Small pieces for a while only: thousands of them show nothing more.
            let piece = left.prefix(pieces.count < 500 ? Int.random(in: 1...most, using: &random) : 100_000)
            pieces.append(Array(piece))
            left = left.dropFirst(piece.count)
        }
        return pieces
    }
}
