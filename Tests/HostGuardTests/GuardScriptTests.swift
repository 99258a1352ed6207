import CommonValues
import EventLoops
import Testing

@testable import HostGuard

/// Whom the rules let through is tried in the kernel itself, by Tests/Interop/test_guard.py.
@Suite struct GuardScriptTests {
    static let table = GuardTable(
        name: GuardTable.name(ofInstance: "fe00-2a"), node: "a", ports: [8081, 80],
        endpoints: [.ip(IPAddress("127.0.0.1")!, port: 8081), .ip(IPAddress("fd00::1")!, port: 80), .unix(path: "/x")],
        users: [998, 0])

    @Test func `a mesh has a table of its own`() {
        #expect(Self.table.name == "heddle-guard-fe00-2a")
        #expect(GuardTable.name(ofInstance: "a b\u{e9}.;") == "heddle-guard-a-b---")
    }

    @Test func `addresses of each family are in the set of their kind, and sockets in none`() {
        let script = GuardScript.anew(Self.table, counts: GuardCounts())
        let lines = Set(script.split(separator: "\n"))
        for (set, elements) in [
            ("users", "0, 998"), ("ports", "80, 8081"), ("endpoints4", "127.0.0.1 . 8081"),
            ("endpoints6", "fd00::1 . 80"),
        ] {
            #expect(lines.contains("add element inet heddle-guard-fe00-2a \(set) { \(elements) }"), "\(set)")
        }
        #expect(!script.contains("{  }") && !script.contains("/x"))
    }

    @Test func `to widen is to take nothing away`() {
        let widening = GuardScript.widening(to: Self.table)
        #expect(!widening.contains("flush set") && !widening.contains("delete"))
        let anew = GuardScript.anew(Self.table, counts: GuardCounts(local: 3, remote: 4))
        #expect(
            anew.hasPrefix("add table inet heddle-guard-fe00-2a\ndelete table inet heddle-guard-fe00-2a\nadd table"))
        #expect(anew.contains("local { packets 3 bytes 0; }") && anew.contains("remote { packets 4 bytes 0; }"))
    }

    @Test(arguments: [
        ("heddle-guard-fe00-2a", true), ("heddle-guard-a;b", false), ("heddle-guardian", false), ("x", false),
    ])
    func `a table is this program's by its name`(name: String, isOne: Bool) {
        #expect(GuardTable.isName(name) == isOne)
    }
}
