import CommonValues
import EventLoops
import Glibc
import TestSupport
import Testing
import TransportSecurity

@testable import Forwarding

struct OutageTests {
    private static func time(_ seconds: Int64) -> UnixTime { UnixTime(seconds: seconds) }
    private static let node = NetworkAddress.ip(IPAddress("192.0.2.1")!, port: 1)

    private static func outage(_ times: Int64...) -> Outage {
        var outage = Outage(.late, at: time(times[0]))
        for second in times.dropFirst() { outage.goesOn(.system(errno: ECONNREFUSED), at: time(second)) }
        return outage
    }

    @Test func `an outage lasts from the first try that failed, for the reason of the last`() {
        var all = Reachability()
        for outage in [Self.outage(5, 9), Self.outage(3, 4)] {
            var worker = Reachability()
            worker.note(Self.node, reached: nil, outage)
            all.add(worker)
        }
        let outage = all.unreached[Self.node]
        #expect((outage?.since, outage?.last) == (Self.time(3), Self.time(9)))
        #expect(outage?.failure == .system(errno: ECONNREFUSED))
    }

    @Test(arguments: [Int64(4), 9, 12])
    func `what anybody has reached since is there`(seconds: Int64) {
        var all = Reachability()
        all.note(Self.node, reached: nil, Self.outage(5, 9))
        all.note(Self.node, reached: Self.time(seconds), nil)
        #expect(all.unreached.isEmpty == (seconds >= 9))
    }

    /// What another node can be refused for, and what it can say.
    private static let tlsReasons =
        PeerRejection.allCases.map { TLSFailure.peerRejected($0).reason }
        + [42, 45, 48, 112, 116].map { TLSFailure.alertReceived(TLSAlert(rawValue: $0)).reason }
        + ["connection-lost", "protocol-violation", "no-h2"]

    @Test(arguments: tlsReasons)
    func `what TLS refuses has a remedy of its own, and is not looked for in the network`(reason: String) {
        let remedy = ConnectFailure.handshake(reason: reason).remedy
        #expect(!remedy.hasPrefix("see whether heddle runs there"))
        #expect(remedy != ConnectFailure.handshake(reason: "unheard-of").remedy)
    }

    @Test func `the remedy names what is to be changed`() {
        #expect(ConnectFailure.handshake(reason: "unknown-authority").remedy.contains("Mesh.spec.identity.authority"))
        #expect(ConnectFailure.handshake(reason: "other-trust-domain").remedy.contains("Mesh.spec.trustDomain"))
        #expect(ConnectFailure.handshake(reason: "alert-certificate-expired").remedy.contains("this node"))
        #expect(ConnectFailure.noIdentity.remedy.contains("serving.cannot-issue"))
        #expect(ConnectFailure.system(errno: ECONNREFUSED).remedy.contains("whether heddle runs there"))
        #expect(ConnectFailure.system(errno: EMFILE).remedy.contains("open files"))
    }

    @Test func `a node that nobody answers for is known, and the log says why the call failed`() async throws {
        let logs = NodePair.Logs()
        let pair = try await NodePair(orders: 1, logs: logs, reaching: { _ in TestPort.free() })
        let answer = try RawConnection.call(port: pair.port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect((answer.status, answer.field("x-heddle-reason")) == (503, "connect-failed"))
        #expect(await logs.a.lines().map { $0.field("detail") } == ["Connection refused"])
        let outages = await pair.a.dataPlane.unreachedNodes()
        #expect(outages.values.map(\.failure) == [.system(errno: ECONNREFUSED)])
        await pair.stop()
    }

    @Test func `a node that answers is reached, whatever becomes of the call there`() async throws {
        let logs = NodePair.Logs()
        let down = TestPort.free()
        let pair = try await NodePair(orders: down, logs: logs)
        let answer = try RawConnection.call(port: pair.port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
        #expect((answer.status, answer.field("x-heddle-reason")) == (503, "connect-failed"))
        #expect(await logs.a.lines().map { $0.field("detail") } == [nil])
        #expect(await logs.b.lines().map { $0.field("detail") } == ["Connection refused"])
        #expect(await pair.a.dataPlane.unreachedNodes().isEmpty)
        await pair.stop()
    }
}
