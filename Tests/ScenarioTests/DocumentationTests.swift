import Testing

/// Examples in the documentation are what they say.
struct DocumentationTests {
    private func text(of file: String) throws -> String { try Documentation.text(of: file) }

    private func yamlBlocks(in file: String) throws -> [String] {
        Documentation.blocks("yaml", in: try text(of: file))
    }

    @Test func `the examples of every kind are valid together`() throws {
        let folder = TemporaryFolder()
        let page = try text(of: "docs/reference/kinds.md")
        let blocks = try yamlBlocks(in: "docs/reference/kinds.md")
        let sections = page.split(separator: "\n").prefix { !$0.hasPrefix("## Accepted") }.filter {
            $0.hasPrefix("## ")
        }
        #expect(blocks.count == 1 + sections.count, "what all kinds have, then each kind")
        // A mesh with nodes asks more of workloads and of the authority; a node by itself is right.
        let withoutNode = blocks.filter { !$0.contains("kind: Node") }
        try folder.write("all.yaml", withoutNode.joined(separator: "---\n"))
        let result = try Heddle.run(["check", folder.path])
        #expect(result.exitCode == 0, "\(result.diagnostics)")
        let count = withoutNode.joined().split(separator: "\n").count { $0.hasPrefix("kind: ") }
        #expect(result.output.contains("\(count) resources in 1 file"))

        let node = try #require(blocks.first { $0.contains("kind: Node") })
        try folder.write("node/node.yaml", node)
        #expect(try Heddle.run(["check", folder.path + "/node"]).exitCode == 0)
    }

    @Test func `the README's example explains its refusal as printed there`() throws {
        let folder = TemporaryFolder()
        let blocks = try yamlBlocks(in: "README.md")
        try folder.write("shop.yaml", try #require(blocks.first))
        #expect(try Heddle.run(["check", folder.path]).exitCode == 0)
        let result = try Heddle.run(
            "explain --from shop/web --to shop/orders --method DELETE --path /orders/7 --manifests".split(
                separator: " "
            )
            .map(String.init) + [folder.path])
        #expect(result.exitCode == 1)
        // A running mesh names files as they are called in its folder.
        let printed = result.output.replacing("\(folder.path)/", with: "")
        #expect(try text(of: "README.md").contains(printed))

        try folder.write("shop.yaml", blocks[0].replacing("name: orders}]", with: "name: ordres}]"))
        let mistake = try Heddle.run(["check", folder.path]).diagnostics.replacing("\(folder.path)/", with: "")
        let page = try text(of: "README.md")
        for line in mistake.split(separator: "\n").prefix(3) { #expect(page.contains(line)) }
    }
}
