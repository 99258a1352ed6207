import Diagnostics
import Synchronization
import Testing

@testable import Reconciliation

struct ManifestEditorTests {
    private let manifests = FakeManifests()

    private func editor(_ files: [String: String]) -> ManifestEditor<FakeManifests> {
        .of(manifests, files)
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

    @Test func `where what was deleted is missed, the remedy is not to add it again`() throws {
        var editor = editor(["x.yaml": file])
        try editor.delete(.service("b"))
        func remedy(for name: String) -> String {
            editor.located(
                Diagnostic(
                    .init("manifest.unknown-service"), at: SourcePosition(file: "x.yaml", line: 4, column: 1),
                    found: Diagnostic.quoted(name), expected: "a Service", remedy: "add it")
            ).remedy
        }
        #expect(remedy(for: "b").hasPrefix("remove what names it first"))
        #expect(remedy(for: "z") == "add it")
    }

    @Test func `what is applied twice is told with both places`() {
        var editor = editor([:])
        let twice = FakeManifests.document("a", "1") + "---\n" + FakeManifests.document("a", "2")
        let rejection = #expect(throws: Rejection.self) {
            try editor.apply([AppliedFile(path: "given", bytes: Array(twice.utf8))])
        }
        #expect(rejection?.diagnostics.map(\.remedy) == ["remove this one, or the one at given:3:1"])
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

    @Test func `a file that was named twice is said to be, and not to be in its own way`() {
        var editor = editor([:])
        let file = AppliedFile(path: "given.yaml", bytes: Array(FakeManifests.document("a", "1").utf8))
        do throws(Rejection) {
            try editor.apply([file, file])
            Issue.record("applied twice")
        } catch {
            #expect(error.diagnostics.map(\.remedy) == ["name \"given.yaml\" once: it was handed over twice"])
        }
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

    // MARK: What is new

    @Test func `a file that is new is taken as it is, with its comments and all its documents`() throws {
        var editor = editor(["x.yaml": file])
        let text =
            "# Of another team.\n\n---\n# About d.\nservice: d\nvalue: 1\nend\n--- # e\nservice: e\nvalue: 1\nend"
        try editor.apply([AppliedFile(path: "here/more.yaml", bytes: Array(text.utf8))])
        #expect(texts(editor) == ["more.yaml": text])
        #expect(editor.changes.map(\.path) == ["more.yaml", "more.yaml"])
    }

    @Test func `what is new of a file comes into one file, with its comments, and the rest stays where it is`() throws {
        var editor = editor(["x.yaml": file])
        let text = """
            # About d.
            service: d
            value: 1
            end
            ---
            service: b
            value: 2
            end
            ---
            # About e.
            service: e
            value: 1
            end

            """
        try editor.apply([AppliedFile(path: "x.yaml", bytes: Array(text.utf8))])
        let documents = text.replacing("---\nservice: b\nvalue: 2\nend\n", with: "")
        #expect(
            texts(editor) == [
                "x.yaml": file.replacing("service: b\nvalue: 1\n", with: "service: b\nvalue: 2\n"),
                "shop-service-d.yaml": documents,
            ])
        #expect(editor.changes.map(\.action) == [.created, .updated, .created])
    }

    @Test func `several documents of one file change in one go`() throws {
        var editor = editor(["x.yaml": file])
        let text = ["c", "a"].map { FakeManifests.document($0, "2") }.joined(separator: "---\n")
        try editor.apply([AppliedFile(path: "given", bytes: Array(text.utf8))])
        let expected = file.replacing("service: a\nvalue: 1\n", with: "service: a\nvalue: 2\n")
            .replacing("service: c\nvalue: 1\n", with: "service: c\nvalue: 2\n")
        #expect(texts(editor) == ["x.yaml": expected + "\n"])
        #expect(editor.entries.map(\.source.bytes) == [Array((expected + "\n").utf8)])
    }

    @Test func `each file is decoded once, however many of its resources change`() throws {
        let counter = Counter()
        let names = (0..<200).map { "s\($0)" }
        let folder = names.map { FakeManifests.document($0, "1") }.joined(separator: "---\n")
        let given = names.map { FakeManifests.document($0, "2") }.joined(separator: "---\n")
        var counting = manifests
        counting.onDecode = { _ in counter.add() }
        var editor = ManifestEditor.of(counting, ["x.yaml": folder])
        let before = counter.count
        try editor.apply([AppliedFile(path: "given", bytes: Array(given.utf8))])
        #expect(editor.entries.count == 1)
        #expect(counter.count - before == 2)
    }

    // MARK: Where mistakes are

    @Test func `a mistake is told where it stands on the disk or in what was handed in`() throws {
        var editor = editor(["x.yaml": file])
        let text = "# one line\n" + FakeManifests.document("b", "2").replacing("end\n", with: "more: 1\nend\n")
        try editor.apply([AppliedFile(path: "given.yaml", bytes: Array(text.utf8))])
        func place(_ line: Int) -> String {
            let position = SourcePosition(file: "x.yaml", line: line, column: 3)
            let mistake = Diagnostic(FakeManifests.wrong, at: position, found: "", expected: "", remedy: "")
            return "\(editor.located(mistake).position)"
        }
        #expect(place(4) == "x.yaml:4:3")
        #expect((10...13).map(place) == ["given.yaml:2:3", "given.yaml:3:3", "given.yaml:4:3", "given.yaml:5:3"])
        #expect(place(14) == "x.yaml:13:3")
    }

    @Test func `after a delete a mistake is told by the line that it has on the disk`() throws {
        var editor = editor(["x.yaml": file])
        try editor.delete(.service("a"))
        let position = SourcePosition(file: "x.yaml", line: 4, column: 1)
        let mistake = Diagnostic(FakeManifests.wrong, at: position, found: "", expected: "", remedy: "")
        #expect("\(editor.located(mistake).position)" == "x.yaml:10:1")
    }

    @Test func `so are the places that its remedy names`() throws {
        var editor = editor(["x.yaml": file])
        try editor.delete(.service("a"))
        let mistake = Diagnostic(
            FakeManifests.wrong, at: SourcePosition(file: "x.yaml", line: 4, column: 1), found: "", expected: "",
            remedy: "merge it into b at x.yaml:4:7, or 1:2 with y.yaml:4:7")
        #expect(editor.located(mistake).remedy == "merge it into b at x.yaml:10:7, or 1:2 with y.yaml:4:7")
    }

    @Test func `a file of the folder is not taken for the one that was handed in under its name`() throws {
        var editor = editor(["x.yaml": file])
        try editor.apply([AppliedFile(path: "x.yaml", bytes: Array(FakeManifests.document("b", "2").utf8))])
        let mistake = Diagnostic(
            FakeManifests.wrong, at: SourcePosition(file: "x.yaml", line: 4, column: 1), found: "", expected: "",
            remedy: "")
        #expect("\(editor.located(mistake).position)" == "/mesh/x.yaml:4:1")
    }
}

extension ManifestEditor {
    /// For files as they lie in the folder `/mesh`.
    static func of(_ manifests: Manifests, _ files: [String: String]) -> Self {
        let entries = files.sorted { $0.key < $1.key }.map { path, text in
            let source = ManifestSource(path: path, bytes: Array(text.utf8))
            let file = manifests.decode(source.bytes, path: path)
            return DecodedSet<Manifests>.Entry(
                source: source, file: file, resourceCount: manifests.resourceCount(of: file))
        }
        return ManifestEditor(manifests, DecodedSet(entries: entries), folder: "/mesh")
    }
}

private final class Counter: Sendable {
    private let value = Mutex(0)
    func add() { value.withLock { $0 += 1 } }
    var count: Int { value.withLock { $0 } }
}
