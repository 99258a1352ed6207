import CommonValues
import Manifests
import Testing

@testable import Forwarding
@testable import HTTPSemantics

@Suite struct DecisionLogTests {
    private static func copy(_ fields: [(String, String)], path: String = "/a") throws -> DecisionCopy {
        var head = MessageHead()
        head.setMethod(("GET" as StaticString).bytes)
        try head.setHost(canonicalizing: Array("orders".utf8).span)
        try head.setPath(canonicalizing: Array(path.utf8).span)
        for (name, value) in fields {
            head.addField(name: Array(name.utf8).span, value: Array(value.utf8).span)
        }
        return DecisionCopy(of: head)
    }

    @Test(arguments: [
        "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "Api-Key", "apikey",
        "X-Auth-Token",
        "X-Amz-Security-Token", "X-Csrf-Token", "Private-Token", "X-Client-Secret", "X-Password", "X-Session-Id",
        "X-Goog-Iap-Jwt-Assertion", "X-Hub-Signature", "X_API_KEY",
    ])
    func `a secret is named, and not kept`(name: String) throws {
        let copy = try Self.copy([("x-tenant", "a"), (name, "swordfish"), ("accept", "*/*")])
        #expect(copy.fields.map(\.name) == ["x-tenant", "accept"])
        #expect(copy.withheld == [name.lowercased()])
        #expect(!"\(copy)".contains("swordfish"))
    }

    @Test func `a request of 60 KB leaves no more than its share`() throws {
        let large = String(repeating: "a", count: 60_000)
        let copy = try Self.copy([("x-large", large), ("x-tenant", "a")])
        #expect(copy.withheld == ["x-large"])
        #expect(copy.fields.map(\.value) == ["a"])
        let many = try Self.copy(
            (0..<90).map { ("x-\($0)", String(repeating: "b", count: 500)) }, path: "/" + large.prefix(8_000))
        #expect(many.byteCount <= DecisionCopy.byteLimit + 2 * DecisionCopy.valueByteLimit)
        #expect(many.path.utf8.count == DecisionCopy.valueByteLimit)
    }

    private static func record(_ number: Int) -> DecisionRecord {
        DecisionRecord(
            id: "\(number)", generation: 1, time: UnixTime(seconds: 0), caller: nil,
            service: .init(namespace: "shop", name: "orders"), method: "GET", host: "orders", path: "/", fields: [],
            withheld: [], isAllowed: false, rule: nil)
    }

    @Test func `the latest are kept, as many as there is room for`() {
        var log = DecisionLog()
        for number in 0..<1_300 { log.add(Self.record(number), byteCount: 100) }
        #expect(log.all.map(\.id) == (1_300 - DecisionLog.capacity..<1_300).map(String.init))
        #expect(log.byteCount == DecisionLog.capacity * 100)
    }

    @Test func `a smaller log has as small a share of the bytes`() {
        var log = DecisionLog(capacity: 8)
        for number in 0..<20 { log.add(Self.record(number), byteCount: 100) }
        #expect(log.all.map(\.id) == (12..<20).map(String.init))
        for number in 20..<30 { log.add(Self.record(number), byteCount: 8_000) }
        #expect(log.all.map(\.id) == ["28", "29"])
    }

    @Test func `large ones put out as many small ones as it takes`() {
        var log = DecisionLog()
        for number in 0..<600 { log.add(Self.record(number), byteCount: 100) }
        for number in 600..<1_000 {
            log.add(Self.record(number), byteCount: 8_000)
            #expect(log.byteCount <= DecisionLog.byteLimit)
        }
        let kept = DecisionLog.byteLimit / 8_000
        #expect(log.all.map(\.id) == (1_000 - kept..<1_000).map(String.init))
        for number in 1_000..<1_010 { log.add(Self.record(number), byteCount: 1) }
        #expect(log.all.last?.id == "1009")
        #expect(log.all.map(\.id) == log.all.map(\.id).sorted { Int($0)! < Int($1)! })
    }
}
