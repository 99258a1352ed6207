import Diagnostics
import Manifests
import Testing

@testable import Reconciliation

/// Manifests as they are, as far as editing needs them.
private struct RealManifests: ManifestReading {
    func decode(_ bytes: [UInt8], path: String) -> ManifestFile { ManifestDecoder.decode(bytes, path: path) }
    func resources(of file: ManifestFile) -> [ResourceMention] {
        file.resources.map { ResourceMention(ResourceIdentity($0.kind, $0.metadata.name), at: $0.metadata.position) }
    }
    func resourceCount(of file: ManifestFile) -> Int { file.resources.count }
    func diagnostics(of file: ManifestFile) -> [Diagnostic] { file.diagnostics }
    func resolve(
        _ files: [ManifestFile], isNew: (SourcePosition) -> Bool
    ) -> (snapshot: Int?, diagnostics: [Diagnostic]) { (files.count, []) }
    func lint(_ snapshot: Int) -> [Diagnostic] { [] }
    func watchedFiles(of snapshot: Int) -> [String] { [] }
}

struct ManifestDocumentsTests {
    private func parts(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        return ManifestDocuments(bytes).documents.map { String(decoding: bytes[$0.bytes], as: UTF8.self) }
    }

    private func contents(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        return ManifestDocuments(bytes).documents.map { String(decoding: bytes[$0.content], as: UTF8.self) }
    }

    @Test func `documents part at markers, and together are the file`() {
        let text = "# head\na: 1\n--- # b\nb: 1\n...\n---\n\n--- {c: 1}\n--- d\n---e: 1\n"
        #expect(parts(text).joined() == text)
        #expect(
            parts(text) == ["# head\na: 1\n", "--- # b\nb: 1\n...\n", "---\n\n", "--- {c: 1}\n", "--- d\n---e: 1\n"])
        #expect(contents(text) == ["a: 1\n", "b: 1\n", "", "{c: 1}\n", "d\n---e: 1\n"])
    }

    @Test func `an indented marker or comment belongs to a block scalar`() {
        let text = "a: |\n  ---\n  # text\n# comment\n\n---\nb: 1"
        #expect(contents(text) == ["a: |\n  ---\n  # text\n", "b: 1"])
    }

    @Test func `line ends of Windows and missing ones are kept`() {
        let text = "a: 1\r\n---\r\nb: 1\r\n---"
        #expect(parts(text) == ["a: 1\r\n", "---\r\nb: 1\r\n", "---"])
    }

    @Test func `real manifests are edited where their names stand`() throws {
        let text = """
            # Shop.
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: orders, namespace: shop}
            spec:
              protocol: HTTP   # plain
            ---
            # The web.
            apiVersion: heddle/v1
            kind: Service
            metadata:
              name: web
              namespace: shop
            spec: {protocol: HTTP}
            """
        let manifests = RealManifests()
        #expect(manifests.decode(Array(text.utf8), path: "shop.yaml").diagnostics.isEmpty)
        var editor = ManifestEditor.of(manifests, ["shop.yaml": text])
        let web = """
            apiVersion: heddle/v1
            kind: Service
            metadata: {name: web, namespace: shop}
            spec: {protocol: HTTP, hostnames: [web.example]}

            """
        try editor.apply([AppliedFile(path: "given", bytes: Array(web.utf8))])
        try editor.delete(ResourceIdentity(.service, ResourceName(namespace: "shop", name: "orders")))
        let after = editor.edits.map { String(decoding: $0.after ?? [], as: UTF8.self) }
        #expect(after == ["---\n# The web.\n" + web])
    }
}
