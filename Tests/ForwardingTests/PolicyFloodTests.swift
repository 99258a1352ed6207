import TestSupport
import Testing

@testable import Forwarding

/// The table's row of budgets: each holds at each listener that speaks HTTP/2, and only for the connection that is over it.
struct PolicyFloodTests {
    enum Flood: String, CaseIterable, CustomTestStringConvertible {
        case resets = "CVE-2023-44487: streams that are reset"
        case provokedResets = "CVE-2025-8671: resets that are provoked"
        case continuations = "CVE-2024-30255: CONTINUATION frames"
        case headerBytes = "CVE-2026-47774: decoded bytes of cookies"
        case settings = "SETTINGS frames"
        case pings = "PING frames"
        case emptyData = "DATA frames without data"

        var testDescription: String { rawValue }

        func send(on peer: HTTP2Peer) {
            switch self {
            case .resets:
                for _ in 0..<1_100 {
                    let stream = peer.begin(PolicyCase.good, ends: false)
                    peer.send(HTTP2Peer.FrameType.reset, stream: stream, [0, 0, 0, 8])
                }
            case .provokedResets:
                for _ in 0..<1_100 { _ = peer.begin(PolicyCase.good + [("connection", "close")], ends: false) }
            case .continuations:
                peer.send(HTTP2Peer.FrameType.headers, stream: 1, HTTP2Peer.encode(PolicyCase.good))
                for _ in 0..<20 { peer.send(HTTP2Peer.FrameType.continuation, stream: 1) }
            case .headerBytes:
                // One field in the decoder's table, and then its index again and again (RFC 7541 § 6.1).
                let crumb = [0x40] + HTTP2Peer.encode([("cookie", String(repeating: "a", count: 3_000))]).dropFirst()
                let block = HTTP2Peer.encode(PolicyCase.good) + crumb + [UInt8](repeating: 0xBE, count: 200)
                peer.send(HTTP2Peer.FrameType.headers, flags: 5, stream: 1, block)
            case .settings: for _ in 0..<200 { peer.send(HTTP2Peer.FrameType.settings) }
            case .pings: for _ in 0..<500 { peer.send(HTTP2Peer.FrameType.ping, [UInt8](repeating: 0, count: 8)) }
            case .emptyData:
                let stream = peer.begin(PolicyCase.good, ends: false)
                for _ in 0..<1_100 { peer.send(HTTP2Peer.FrameType.data, stream: stream) }
            }
        }
    }

    @Test(arguments: Flood.allCases, [Door.http2, .gatewayHTTP2, .inbound, .grpc, .plainHTTP2, .hostHTTP2])
    func `who is over a budget is told to be calm, and nobody else`(flood: Flood, door: Door) async throws {
        let parent = door.isGateway ? "{kind: Gateway, name: edge}" : "{kind: Service, name: orders}"
        let world = try await PolicyWorld(door, rule: PolicyTable.rule + "\n---\n" + PolicyTable.route(to: parent))
        let peer = HTTP2Peer(calling: try world.connect())
        flood.send(on: peer)
        if door == .inbound, [.resets, .provokedResets].contains(flood) {
            // A node stands for all its callers, and has a hundred times as many.
            var answer = peer.call(PolicyCase.good)
            // The flood's last streams may still be closing: one too many at a time is asked to come again.
            for _ in 0..<100 where answer.reset == 7 { answer = peer.call(PolicyCase.good) }
            #expect(answer.status == 200, "\(answer)")
            return await world.stop()
        }
        var code: UInt32 = 0
        while code == 0, let frame = peer.receive() {
            if frame.type == HTTP2Peer.FrameType.goAway { code = frame.code }
        }
        #expect(code == 11)
        let other = HTTP2Peer(calling: try world.connect())
        let answer = other.call(PolicyCase.Call.request(path: "/open").http2(door.dialect)!.fields)
        #expect(answer.status == 200)
        await world.stop()
    }
}
