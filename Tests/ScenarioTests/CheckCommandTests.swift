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
        let open = CommandTests.good.replacing(", selectors: [{unix: {user: web}}]", with: "")
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
}
