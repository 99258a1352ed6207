import TestSupport
import Testing

@testable import Forwarding

/// The table of what has gone wrong elsewhere, through whole data planes: each row in each protocol that can say it.
struct PolicyTableTests {
    static let cases = PolicyTable.rows.flatMap(\.cases)

    @Test(arguments: cases, Door.allCases)
    func `what has gone wrong elsewhere does not here`(policyCase: PolicyCase, door: Door) async throws {
        guard let expected = policyCase.status(at: door) else { return }
        let parent = door.isGateway ? "{kind: Gateway, name: edge}" : "{kind: Service, name: orders}"
        let world = try await PolicyWorld(
            door, rule: policyCase.rule + "\n---\n" + PolicyTable.route(to: parent),
            account: policyCase.isImpersonated ? "payments" : "orders")
        let connection = try world.connect()
        if door.dialect == .http1, let bytes = policyCase.call.http1 {
            let response = connection.call(bytes)
            #expect(expected.contains(response.status))
            if policyCase.closes {
                #expect(response.field("connection") == "close")
                #expect(connection.endsCleanly() == true)
            }
        } else if let (fields, body) = policyCase.call.http2(door.dialect) {
            let peer = HTTP2Peer(calling: connection)
            let stream = peer.begin(fields, ends: body == nil)
            if let body { peer.send(HTTP2Peer.FrameType.data, flags: 1, stream: stream, Array(body.utf8)) }
            let answer = peer.answer(on: stream)
            #expect(expected.contains { Self.says(answer, $0, at: door) }, "\(answer)")
        }
        let seen = world.backend.requests.joined()
        if policyCase.reachesNobody, !expected.contains(200) { #expect(seen.isEmpty) }
        // Nobody has a name that the workload could be told.
        let told = policyCase.workloadSees.filter { !door.isPlain || !$0.hasPrefix("x-heddle-caller") }
        if expected == [200] { for part in told { #expect(seen.contains(part)) } }
        if door.isPlain { #expect(!seen.contains("x-heddle-caller")) }
        for part in policyCase.workloadNeverSees { #expect(!seen.lowercased().contains(part.lowercased())) }
        await world.stop()
    }

    /// Whether an answer over HTTP/2 says what HTTP/1.1 says with `status`.
    private static func says(_ answer: HTTP2Peer.Answer, _ status: Int, at door: Door) -> Bool {
        // What is malformed as a message of HTTP/2 is no request that could be answered (RFC 9113 § 8.1.1).
        if status == 400, answer.reset == 1 { return true }
        // The decoder takes no string above 64 KiB; without it nothing more can be read (RFC 9113 § 4.3).
        if status == 431, answer.goAway == 9 { return true }
        guard door.dialect == .grpc, answer.status == 200 else { return answer.status == status && answer.reset == nil }
        switch status {
        case 200: return answer.grpcStatus == 0
        case 400, 414: return answer.grpcStatus == 13
        case 403: return answer.grpcStatus == (door.isPlain ? 16 : 7)
        case 404: return answer.grpcStatus == 12
        case 431: return answer.grpcStatus == 8
        case 501: return answer.grpcStatus == 13
        case 502, 503: return answer.grpcStatus == 14
        default: return false
        }
    }

    @Test(arguments: PolicyTable.rows.flatMap { row in row.connections }, [false, true])
    func `what has gone wrong elsewhere does not with a TCP connection`(connectionCase: ConnectionCase, isHop: Bool)
        async throws
    {
        // Nobody proves to be anybody to a neighbour on the same node.
        guard isHop || !connectionCase.isImpersonated else { return }
        let world = try await ConnectionWorld(
            isHop: isHop, rule: connectionCase.rule, account: connectionCase.isImpersonated ? "payments" : "orders")
        let client = try RawConnection(port: world.port)
        client.send(connectionCase.bytes)
        let count = connectionCase.bytes.utf8.count
        if connectionCase.isAllowed {
            let echoed = String(decoding: client.receive(count: count), as: UTF8.self)
            #expect(echoed == connectionCase.bytes)
        } else {
            // With a reset, or with the end where it came before the bytes.
            #expect(client.endsCleanly() != nil)
            #expect(world.backend.requests.isEmpty)
        }
        await world.stop()
    }

    @Test(arguments: PolicyTable.rows)
    func `every row has a case in every protocol, or says why not`(row: PolicyTable.Row) {
        for column in PolicyTable.Column.allCases {
            let isTested =
                switch column {
                case .tcp: !row.connections.isEmpty
                case .http1, .http2, .grpc:
                    row.cases.contains { policyCase in
                        Door.allCases.contains {
                            $0.dialect.rawValue == column.rawValue && policyCase.status(at: $0) != nil
                        }
                    }
                }
            #expect(isTested != (row.elsewhere[column] != nil), "\(column.rawValue)")
        }
    }

    @Test func `no row of the table is left out`() {
        #expect(PolicyTable.rows.count == 24)
    }

    /// Framing that is wrong in a body: the head was right, so its call may have begun, but never comes to its end.
    static let bodies: [(String, String)] = [
        ("a chunk extension without a name", "5;\r\nhello\r\n0\r\n\r\n"),
        ("a chunk extension that LF ends", "5;a\nhello\r\n0\r\n\r\n"),
        ("a quoted chunk extension", "5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n"),
        ("a space after the size", "5 \r\nhello\r\n0\r\n\r\n"), ("a signed size", "+5\r\nhello\r\n0\r\n\r\n"),
        ("a size with 0x", "0x5\r\nhello\r\n0\r\n\r\n"), ("a huge size", "ffffffffffffffffff\r\nhello"),
        ("a size beyond 63 bits", "8000000000000000\r\nhello"), ("LF after the size", "5\nhello\r\n0\r\n\r\n"),
        ("no CRLF after the data", "5\r\nhelloX\r\n0\r\n\r\n"), ("no size", "\r\nhello\r\n0\r\n\r\n"),
        ("a folded trailer", "0\r\nX: a\r\n b\r\n\r\n"), ("a trailer without a colon", "0\r\nX\r\n\r\n"),
        ("NUL in a trailer", "0\r\nX: a\0\r\n\r\n"),
    ]

    @Test(arguments: bodies)
    func `a body whose framing is wrong is refused, and its workload never sees its end`(what: String, body: String)
        async throws
    {
        let backend = TestBackend { connection, backend in
            backend.note(String(decoding: Array(connection.receiveAll().utf8), as: UTF8.self))
        }
        try await Shop.serve(backend) { port, mesh in
            let client = try RawConnection(port: port)
            let response = client.call(
                "POST /open HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n\(body)GET /admin HTTP/1.1\r\nHost: orders\r\n\r\n"
            )
            #expect(response.status == 400, "\(what)")
            #expect(response.field("connection") == "close")
            #expect(client.endsCleanly() == true)
            try await SlowPeerTests.settles(mesh) { $0.upstream == 0 && backend.requests.count >= $0.upstreamConnects }
            let seen = backend.requests.joined()
            #expect(!seen.hasSuffix("0\r\n\r\n") && !seen.contains("/admin"))
        }
    }
}
