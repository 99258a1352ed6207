import Diagnostics
import Testing

@testable import MeshSnapshot

/// Selectors of several workloads at the listener of their Node.
struct AmbiguousSelectorsTests {
    private static func workload(_ name: String, _ selectors: String, node: String = "a", account: String? = nil)
        -> String
    {
        "---\napiVersion: heddle/v1\nkind: Workload\nmetadata: {name: \(name)}\nspec:\n  serviceAccount: \(account ?? name)\n"
            + "  node: \(node)\n  outbound: {listen: \"unix:/run/\(name).sock\"}\n  selectors: [\(selectors)]\n"
    }

    private static func node(_ name: String, _ more: String = ", outbound: {listen: \"127.0.0.1:1\"}") -> String {
        "---\napiVersion: heddle/v1\nkind: Node\nmetadata: {name: \(name)}\nspec: {address: \"192.0.2.1:\(name.utf8.first!)\"\(more)}\n"
    }

    private func warnings(_ manifests: String) -> [Diagnostic] {
        let resolution = resolve(manifests, requiresNode: false)
        #expect(resolution.errors.isEmpty, "\(resolution.errors)")
        return resolution.warnings
    }

    private func told(_ first: String, _ second: String) -> [Diagnostic] {
        warnings(Self.node("a") + Self.workload("web", first) + Self.workload("cart", second))
    }

    private static let digest = String(repeating: "ab", count: 32)

    @Test(arguments: [
        "{unix: {user: x}}", "{unix: {uid: 7, path: /bin/x}}", "{systemd: {unit: x.service}}",
        "{unix: {user: x, sha256: \(digest)}}", "{cgroup: {path: /x}}",
    ])
    func `the same selector of two is told of at the second, and names the first`(selector: String) {
        let found = told("{unix: {uid: 1}}, \(selector)", selector)
        #expect(found.map(\.code) == [.ambiguousSelectors])
        #expect(found.map { [$0.position.line, $0.position.column] } == [[23, 16]])
        #expect(found.first?.found.hasSuffix(":14:34, too") == true, "\(found)")
        #expect(
            found.first?.found.hasPrefix("a selector of Workload default/cart, which Workload default/web has at ")
                == true)
    }

    @Test func `of one that says more than another both places are told`() {
        for selectors in [("{unix: {user: x}}", "{unix: {user: x, path: /bin/x}}")] {
            let after = told(selectors.0, selectors.1)
            #expect(after.map { [$0.position.line, $0.position.column] } == [[23, 16]])
            #expect(
                after.first?.remedy.hasSuffix(
                    "what processes of default/web are and those of default/cart are not, such as unix.path") == true)
            let before = told(selectors.1, selectors.0)
            #expect(before.map { [$0.position.line, $0.position.column] } == [[14, 16]])
            #expect(before.first?.found.contains(":23:16, and more") == true, "\(before)")
        }
    }

    @Test(arguments: [
        ("{unix: {user: x}}", "{unix: {user: y}}"), ("{unix: {user: x, path: /a}}", "{unix: {user: x, path: /b}}"),
        ("{unix: {user: x}}", "{unix: {group: x}}"), ("{unix: {user: x, gid: 1}}", "{unix: {user: x, path: /a}}"),
        // What was started as a workload is that one.
        ("{exec: {}}", "{exec: {}}"), ("{unix: {user: x}}", "{exec: {}, unix: {user: x}}"),
        // As bytes they are not the same.
        ("{unix: {user: \"\\u00E9\"}}", "{unix: {user: \"e\\u0301\"}}"),
    ])
    func `those that a process need not match both are not`(first: String, second: String) {
        #expect(told(first, second).isEmpty)
    }

    @Test func `nor those of one account, of two nodes, or where the Node has no listener`() {
        let selector = "{unix: {user: x}}"
        #expect(
            warnings(
                Self.node("a") + Self.workload("web", selector) + Self.workload("cart", selector, account: "web")
            ).isEmpty)
        let files =
            "---\napiVersion: heddle/v1\nkind: Mesh\nmetadata: {name: mesh}\nspec: {identity: {authority: {type: Files, "
            + "certificateFile: a, keyFile: b}}}\n"
        #expect(
            warnings(
                files + Self.node("a") + Self.node("b") + Self.workload("web", selector)
                    + Self.workload("cart", selector, node: "b")
            ).isEmpty)
        #expect(
            warnings(Self.node("a", "") + Self.workload("web", selector) + Self.workload("cart", selector)).isEmpty)
    }

    @Test func `of very many a hundred are told of`() {
        let same = (0..<300).map { Self.workload("w\($0)", "{unix: {user: x, uid: 1, path: /a}}") }.joined()
        let found = warnings(Self.node("a") + same)
        #expect(found.map(\.code) == Array(repeating: .ambiguousSelectors, count: 100))
    }
}
