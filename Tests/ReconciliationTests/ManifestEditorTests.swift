import Testing

@testable import Reconciliation

struct ManifestEditorTests {
    private let manifests = FakeManifests()

    private func editor(_ files: [String: String]) -> ManifestEditor<FakeManifests> {
        ManifestEditor(
            manifests,
            files: files.sorted { $0.key < $1.key }.map { path, text in
                let source = ManifestSource(path: path, bytes: Array(text.utf8))
                return (source, manifests.decode(source.bytes, path: path))
            })
    }

    private func texts(_ editor: ManifestEditor<FakeManifests>) -> [String: String?] {
        Dictionary(
            uniqueKeysWithValues: editor.edits.map { edit in
                (edit.path, edit.after.map { String(decoding: $0, as: UTF8.self) })
            })
    }

    private let file = """
        # Of the team.

        # About a.
        service: a
        value: 1
        end
        # After a.

        --- # the second
        service: b
        value: 1
        end
        ...
        ---
        service: c
        value: 1
        end
        """

    @Test func `an apply replaces one document and keeps every other byte`() throws {
        var editor = editor(["x.yaml": file])
        let text = "# of no interest\nservice: b\nvalue: 2\nextra: 3\nend\n"
        try editor.apply([AppliedFile(path: "given", bytes: Array(text.utf8))])
        let expected = file.replacing("service: b\nvalue: 1\nend\n", with: "service: b\nvalue: 2\nextra: 3\nend\n")
        #expect(texts(editor) == ["x.yaml": expected])
    }

    @Test func `comments around the first document stay`() throws {
        var editor = editor(["x.yaml": file])
        try editor.apply([AppliedFile(path: "given", bytes: Array(FakeManifests.document("a", "2").utf8))])
        let expected = file.replacing("service: a\nvalue: 1\n", with: "service: a\nvalue: 2\n")
        #expect(texts(editor) == ["x.yaml": expected])
    }

    @Test func `a delete takes one document, and the file with its last`() throws {
        var editor = editor(["x.yaml": file, "y.yaml": FakeManifests.document("d", "1")])
        try editor.delete(.service("b"))
        try editor.delete(.service("d"))
        let expected = file.replacing("--- # the second\nservice: b\nvalue: 1\nend\n...\n", with: "")
        #expect(texts(editor) == ["x.yaml": expected, "y.yaml": String?.none])
    }

    @Test func `the comment at a file's head outlives the first document`() throws {
        var editor = editor(["x.yaml": file])
        try editor.delete(.service("a"))
        let after = texts(editor)["x.yaml"] ?? nil
        #expect(after?.hasPrefix("# Of the team.\n\n--- # the second\n") == true)
    }

    @Test func `a new resource never takes another file's name`() throws {
        var editor = editor(["shop-service-new.yaml": FakeManifests.document("other", "1")])
        try editor.apply([AppliedFile(path: "given", bytes: Array(FakeManifests.document("new", "1").utf8))])
        #expect(texts(editor) == ["shop-service-new-2.yaml": FakeManifests.document("new", "1")])
    }

    @Test func `the same resource twice, or none, is refused`() {
        let twice = FakeManifests.document("a", "1") + "---\n" + FakeManifests.document("a", "2")
        for (text, code) in [(twice, "change.applied-twice"), ("# nothing\n", "change.nothing-to-apply")] {
            var editor = editor([:])
            #expect(throws: Rejection.self) {
                try editor.apply([AppliedFile(path: "given", bytes: Array(text.utf8))])
            }
            do throws(Rejection) {
                try editor.apply([AppliedFile(path: "given", bytes: Array(text.utf8))])
            } catch {
                #expect(error.diagnostics.map(\.code.rawValue) == [code])
            }
        }
    }
}
