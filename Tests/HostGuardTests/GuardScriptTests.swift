import CommonValues
import EventLoops
import Testing

@testable import HostGuard

/// Whom the rules let through is tried in the kernel itself, by Tests/Interop/test_guard.py.
@Suite struct GuardScriptTests {
    static let table = GuardTable(
        name: GuardTable.name(ofInstance: "fe00-2a"), node: "a", ports: [8081, 80],
        endpoints: [.ip(IPAddress("127.0.0.1")!, port: 8081), .ip(IPAddress("fd00::1")!, port: 80), .unix(path: "/x")],
        listeners: [.ip(IPAddress("10.0.0.1")!, port: 80)], users: [998, 0])

    @Test func `a mesh has a table of its own`() {
        #expect(Self.table.name == "heddle-guard-fe00-2a")
        #expect(GuardTable.name(ofInstance: "a b\u{e9}.;") == "heddle-guard-a-b---")
    }

    @Test func `addresses of each family are in the set of their kind, and sockets in none`() {
        let lines = Set(GuardScript.exact(Self.table).split(separator: "\n"))
        for (set, elements) in [
            ("users", "0, 998"), ("ports", "80, 8081"), ("endpoints4", "127.0.0.1 . 8081"),
            ("endpoints6", "fd00::1 . 80"), ("listeners4", "10.0.0.1 . 80"),
        ] {
            #expect(lines.contains("add element inet heddle-guard-fe00-2a \(set) { \(elements) }"), "\(set)")
        }
        #expect(!GuardScript.exact(Self.table).contains("listeners6 {  }"))
        #expect(!GuardScript.exact(Self.table).contains("/x"))
    }

    @Test func `to widen is to take nothing away`() {
        let widening = GuardScript.widening(to: Self.table)
        #expect(!widening.contains("flush set") && !widening.contains("delete"))
        #expect(GuardScript.exact(Self.table).contains("flush set inet heddle-guard-fe00-2a ports"))
        #expect(GuardScript.anew(Self.table).hasPrefix("add table inet heddle-guard-fe00-2a\ndelete table"))
    }

    @Test func `a listener at every address is behind a port that is guarded at every address`() {
        var table = Self.table
        #expect(table.shadowedListeners.isEmpty)
        table.listeners = [
            .ip(.unspecified, port: 80), .ip(.anyIPv4, port: 8081), .ip(.anyIPv4, port: 9000),
            .ip(IPAddress("10.0.0.1")!, port: 80),
        ]
        #expect(Set(table.shadowedListeners) == [.ip(.unspecified, port: 80), .ip(.anyIPv4, port: 8081)])
    }
}
