import Glibc
import TestSupport
import Testing

/// `heddle check`: what is printed of a folder, and what it ends in.
struct CheckCommandTests {
    private let folder = TemporaryFolder()

    private func heddle(_ arguments: String...) throws -> CommandResult { try Heddle.run(arguments) }

    @Test func `check warns of listeners that are open to every process, or refuses them where the mesh says so`()
        throws
    {
        let open = CommandTests.good.replacing(", selectors: [{unix: {user: root}}]", with: "")
        try folder.write("shop.yaml", open)
        let warned = try heddle("check", folder.path)
        #expect(warned.exitCode == 0)
        #expect(warned.output == "\(folder.path): 4 resources in 1 file, no errors, 1 warning\n")
        #expect(
            warned.diagnostics.contains("shop.yaml:14:48: warning[manifest.open-listener]: found Workload shop/web-1"))
        try folder.write(
            "mesh.yaml",
            manifest("Mesh", "mesh", "{identity: {requireSelectors: true}}").replacing(", namespace: shop", with: ""))
        let refused = try heddle("check", folder.path)
        #expect(refused.exitCode == 1)
        #expect(
            refused.diagnostics.contains("shop.yaml:14:48: error[manifest.open-listener]"), "\(refused.diagnostics)")
        try folder.write("shop.yaml", CommandTests.good)
        #expect(try heddle("check", folder.path).exitCode == 0)
    }

    @Test func `check of a good folder ends in 0`() throws {
        try folder.write("a/shop.yaml", CommandTests.good)
        let result = try heddle("check", folder.path)
        #expect(result.exitCode == 0)
        #expect(result.output == "\(folder.path): 4 resources in 1 file, no errors\n")
        #expect(result.diagnostics.isEmpty)
    }

    @Test(arguments: [
        ["check", ""], ["apply", "-f", ""], ["run", "--manifests="], ["explain", "--manifests", ""],
        ["authority", "create", "--dir", ""],
    ])
    func `an empty argument names nothing, and no folder`(arguments: [String]) throws {
        let result = try Heddle.run(arguments)
        #expect(result.exitCode == 2 && result.diagnostics.contains("an argument is empty"), "\(result)")
    }

    @Test func `check reports every mistake with its line, and ends in 1`() throws {
        try folder.write("shop.yaml", CommandTests.good)
        try folder.write(
            "bad.yaml",
            CommandTests.good.replacing("name: orders,", with: "name: x, labls: {},").replacing("HTTP", with: "UDP")
        )
        let result = try heddle("check", folder.path)
        #expect(result.exitCode == 1)
        #expect(result.diagnostics.contains("\(folder.path)/bad.yaml:3:"))
        #expect(result.diagnostics.contains("\(folder.path)/bad.yaml:4:18: error[manifest.invalid-value]"))
        #expect(result.diagnostics.contains("   4 | spec: {protocol: UDP}\n     |                  ^^^"))
    }

    @Test func `check warns without failing`() throws {
        try folder.write(
            "shop.yaml",
            CommandTests.good.replacing("targetRefs: [{kind: Service, name: orders}]", with: "action: ALLOW")
                .replacing("rules:", with: "rules:\n  - {}"))
        let result = try heddle("check", folder.path)
        #expect(result.exitCode == 0)
        #expect(result.diagnostics.contains("warning[policy.allow-for-everyone]"))
    }

    @Test func `check prints JSON for programs`() throws {
        try folder.write("shop.yaml", CommandTests.good.replacing("orders-1", with: "Orders 1"))
        let result = try heddle("check", folder.path, "--output", "json")
        #expect(result.exitCode == 1)
        #expect(result.output.contains("\"valid\": false"))
        #expect(result.output.contains("\"code\": \"manifest.invalid-value\""))
        #expect(result.diagnostics.isEmpty)
    }

    @Test func `check of one file reads that file alone`() throws {
        try folder.write("shop.yaml", CommandTests.good)
        try folder.write("bad.yaml", "a: [")
        #expect(try heddle("check", folder.path + "/shop.yaml").exitCode == 0)
        #expect(try heddle("check", folder.path + "/bad.yaml").exitCode == 1)
    }

    @Test func `check of a folder that is not there ends in 1`() throws {
        let result = try heddle("check", folder.path + "/none")
        #expect(result.exitCode == 1)
        #expect(result.diagnostics.contains("none"))
    }

    @Test func `check refuses a folder with a place that cannot be seen`() throws {
        try folder.write("shop.yaml", CommandTests.good)
        #expect(unsafe symlink("nowhere", folder.path + "/rules") == 0)
        let result = try heddle("check", folder.path)
        #expect(result.exitCode == 1)
        #expect(result.diagnostics.contains("rules: error[folder.broken-link]: found a link to \"nowhere\""))
    }

    @Test func `check of very many mistakes prints a hundred, and counts all`() throws {
        for file in 0..<20 {
            let mistakes = (0..<50).map { "x\($0): 1" }.joined(separator: ", ")
            try folder.write(
                "\(file).yaml",
                "apiVersion: heddle/v1\nkind: Service\nmetadata: {name: s\(file)}\nspec: {protocol: HTTP, \(mistakes)}\n"
            )
        }
        let result = try heddle("check", folder.path)
        #expect(result.exitCode == 1)
        #expect(result.diagnostics.split(separator: "\n").count { $0.contains(": error[") } == 100)
        #expect(result.diagnostics.contains("\n900 more errors and 20 more warnings are not shown\n"))
        #expect(result.output.contains("1000 errors"), "\(result.output)")
    }

    @Test func `apply says what is wrong with a file, and does not take an error for its end`() throws {
        let folderAsFile = try heddle("apply", "-f", folder.path + "/none.yaml")
        #expect(folderAsFile.exitCode == 1)
        #expect(folderAsFile.diagnostics.contains("none.yaml: error[folder.missing]: found nothing"))
        #expect(folderAsFile.output == "refused: 1 error; nothing was written\n")
        let json = try heddle("apply", "-f", folder.path + "/none.yaml", "-o", "json")
        #expect(json.output.contains("\"code\": \"folder.missing\"") && json.diagnostics.isEmpty, "\(json)")
    }

    @Test func `check says of a folder that is not there that it is missing, and names no line in it`() throws {
        let result = try heddle("check", folder.path + "/none")
        #expect(result.exitCode == 1)
        #expect(
            result.diagnostics.hasPrefix(
                "\(folder.path)/none: error[folder.missing]: found nothing, expected a manifest, or a folder of manifests"
            ),
            "\(result.diagnostics)")
    }

    @Test func `check finds key files that are missing`() throws {
        try folder.write(
            "edge.yaml",
            """
            apiVersion: heddle/v1
            kind: Gateway
            metadata: {name: edge}
            spec:
              listeners:
              - {name: https, port: 8443, protocol: HTTPS, tls: {certificateFile: none.pem, keyFile: none.key}}
            """)
        let result = try heddle("check", folder.path)
        #expect(result.exitCode == 1)
        #expect(result.diagnostics.contains("edge.yaml:6:"))
        #expect(result.diagnostics.contains("none.pem"))
        try folder.write("shop.yaml", CommandTests.good.replacing("service: orders", with: "service: ordres"))
        let both = try heddle("check", folder.path)
        #expect(
            both.diagnostics.contains("none.pem") && both.diagnostics.contains("manifest.unknown-service"), "\(both)")
    }

    // MARK: This host's accounts and files

    /// - Parameter node: A Node's, if it is on one.
    private func writeCaller(_ selectors: String, node: String? = nil) throws {
        let nodes = node.map { name in
            """
            apiVersion: heddle/v1
            kind: Node
            metadata: {name: \(name)}
            spec: {address: "192.0.2.1:15001"}
            ---

            """
        }
        let place = node.map { "node: \($0), " } ?? ""
        try folder.write(
            "shop.yaml",
            (nodes ?? "")
                + manifest(
                    "Workload", "web-1",
                    "{serviceAccount: web, \(place)outbound: {listen: \"127.0.0.1:15101\"}, selectors: \(selectors)}"))
    }

    @Test func `check of a selector that this host contradicts warns, with what is so`() throws {
        try writeCaller("[{unix: {user: root, uid: 7}}, {unix: {user: root, uid: 0, group: root, gid: 8}}]")
        let result = try heddle("check", folder.path)
        #expect(result.exitCode == 0)
        #expect(
            result.diagnostics.contains(
                "warning[serving.contradicting-account]: found the user \"root\", who has uid 0 on this host, beside uid 7"
            ),
            "\(result.diagnostics)")
        #expect(result.diagnostics.contains("change uid to 0, or remove one of the two"))
        #expect(result.diagnostics.contains("the group \"root\", who has gid 0 on this host, beside gid 8"))
        #expect(result.output.hasSuffix("no errors, 2 warnings\n"), "\(result.output)")
    }

    @Test func `check of the path of a link warns, with the path it leads to`() throws {
        let link = folder.path + "/link"
        #expect(unsafe symlink("/bin/sh", link) == 0)
        let target = try #require(unsafe realpath("/bin/sh", nil).map { unsafe String(cString: $0) })
        try writeCaller("[{unix: {user: root, path: '\(link)'}}, {unix: {user: root, path: '\(target)'}}]")
        let result = try heddle("check", folder.path)
        #expect(result.exitCode == 0)
        #expect(
            result.diagnostics.contains("warning[serving.linked-executable]: found \"\(link)\""),
            "\(result.diagnostics)")
        #expect(result.diagnostics.contains("change it to \"\(target)\""))
        #expect(result.output.hasSuffix("no errors, 1 warning\n"), "\(result.output)")
    }

    @Test func `check asks this host of the node alone that it is said to be`() throws {
        try writeCaller("[{unix: {user: root, uid: 7}}]", node: "a")
        let without = try heddle("check", folder.path)
        #expect(!without.diagnostics.contains("contradicting-account"))
        #expect(
            without.output.hasSuffix("; not checked: selectors of node a (--node a)\n"), "\(without.output)")
        let json = try heddle("check", folder.path, "-o", "json").output.filter { !$0.isWhitespace }
        #expect(json.contains("\"notChecked\":[\"a\"]"), "\(json)")
        let with = try heddle("check", folder.path, "--node", "a")
        #expect(with.diagnostics.contains("contradicting-account"))
        #expect(!with.output.contains("not checked"), "\(with.output)")
    }

    @Test func `check of accounts that this host does not have warns, of a guard's too`() throws {
        try folder.write(
            "shop.yaml",
            """
            apiVersion: heddle/v1
            kind: Node
            metadata: {name: a}
            spec: {address: "192.0.2.1:15001", outbound: {listen: "127.0.0.1:15101"}, guard: {users: [no-such-guest]}}
            ---

            """
                + manifest(
                    "Workload", "web-1",
                    "{serviceAccount: web, node: a, selectors: [{unix: {user: no-such-user, group: no-such-group}}, {exec: {}}], "
                        + "exec: {users: [no-such-starter, root]}}"))
        let result = try heddle("check", folder.path, "--node", "a")
        for name in ["guest", "user", "group", "starter"] {
            #expect(result.diagnostics.contains("\"no-such-\(name)\", whom this host does not have"), "\(result)")
        }
        #expect(result.output.hasSuffix("no errors, 4 warnings\n"), "\(result.output)")
        #expect(try !heddle("check", folder.path).diagnostics.contains("unknown-account"))
    }

    @Test(.enabled(if: geteuid() == 0 && Tool.exists("unshare"), "only root can give a process other accounts"))
    func `a name as a directory has them is asked for as it is`() throws {
        let accounts = folder.path + "/passwd"
        try folder.write("passwd", "root:x:0:0::/:/bin/sh\nSHOP\\web master:x:4001:0::/:/bin/sh\n")
        try writeCaller(#"[{unix: {user: 'SHOP\web master', uid: 4002}}, {unix: {user: 'SHOP\web', uid: 4002}}]"#)
        let script = "mount --bind '\(accounts)' /etc/passwd && exec '\(Heddle.path)' check '\(folder.path)'"
        let result = try Tool.run("unshare", ["-m", "sh", "-c", script], in: TestFolder())
        #expect(
            result.errors.contains(#"the user "SHOP\\web master", who has uid 4001 on this host, beside uid 4002"#)
                || result.errors.contains(
                    #"the user "SHOP\web master", who has uid 4001 on this host, beside uid 4002"#),
            "\(result.errors)")
        #expect(result.errors.contains(#"the user "SHOP\\web", whom this host does not have"#), "\(result.errors)")
        #expect(result.output.hasSuffix("no errors, 2 warnings\n"), "\(result.output)")
    }
}
