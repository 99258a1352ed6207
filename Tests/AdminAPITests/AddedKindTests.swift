import Diagnostics
import MeshSnapshot
import TestSupport
import Testing
import YAMLSyntax

@testable import AdminAPI
@testable import Manifests

/// A kind that only this test has, as docs/architecture.md says that one is added: a struct, what is read of it, what it says
/// of itself.
struct Shelf: Resource {
    static let kind = ResourceKind("Shelf")
    var metadata: Metadata
    /// A Service of the shelf's namespace.
    var service: Located<String>
    /// Another Shelf of its namespace.
    var below: Located<String>?
    /// Default: 1.
    var height: Int

    var paths: [Located<String>] { [] }
}

extension Shelf {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "Shelf", &problems) else { return nil }
        let service = fields.required("service", located(Scalar.label), &problems)
        let below = fields.optional("below", located(Scalar.label), &problems)
        let height = fields.optional("height", Scalar.integer(in: 1...9, ""), default: 1, &problems)
        fields.reportUnknownFields(&problems)
        guard let service else { return nil }
        self.init(metadata: metadata, service: service, below: below, height: height)
    }

    var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("service", service.value)
        spec.add("below", below?.value)
        spec.add("height", .integer(height))
        return spec.json
    }

    var references: [Reference] {
        let namespace = metadata.name.namespace
        let names = [
            Reference("service", to: .service, service, in: namespace, .unknownService),
            Reference("below", to: Self.kind, below, in: namespace, .unknownShelf),
        ]
        return names.compactMap { $0 }
    }

    static let descriptor = KindDescriptor(
        Shelf.self, plural: "shelves", short: ["sh"], decode: Shelf.init,
        columns: [
            Column("SERVICE") { $0.service.value },
            Column("ON IT") { shelf, set in String(shelf.shelvesOnIt(in: set).count) },
        ],
        sections: { shelf, set in
            let names = shelf.shelvesOnIt(in: set).map { "\($0.metadata.name)" }
            return [DescriptionSection(key: "onIt", name: "On it", lines: names)]
        },
        mistakes: { set in
            set[Shelf.self].filter { $0.below?.value == $0.metadata.name.name }.map { shelf in
                Diagnostic(
                    .shelfOnItself, at: shelf.metadata.position, found: "a shelf on itself", expected: "another below",
                    remedy: "name another")
            }
        })

    private func shelvesOnIt(in set: ResourceSet) -> [Shelf] { set.referrers(Shelf.self, of: self, by: "below") }
}

extension Diagnostic.Code {
    fileprivate static let unknownShelf = Self("manifest.unknown-shelf")
    fileprivate static let shelfOnItself = Self("manifest.shelf-on-itself")
}

struct AddedKindTests {
    private static let kinds = KindRegistry(Kinds.all.descriptors + [Shelf.descriptor])

    private static func shelf(_ name: String, _ spec: String) -> String {
        "---\napiVersion: heddle/v1\nkind: Shelf\nmetadata: {name: \(name), namespace: shop}\nspec: {\(spec)}\n"
    }

    private static let shop = """
        \(manifest("Service", "books", "{endpoints: [{address: \"192.0.2.1:80\"}]}"))

        """ + shelf("floor", "service: books") + shelf("top", "service: books, below: floor, height: 2")

    private func resolve(_ text: String) -> Resolution {
        let file = ManifestDecoder.decode(Array(text.utf8), path: "shop.yaml", kinds: Self.kinds)
        return Resolution([file], node: nil, kinds: Self.kinds)
    }

    private func places(_ text: String) -> [String] {
        resolve(text).diagnostics.map { "\($0.code.rawValue) \($0.position.line):\($0.position.column)" }
    }

    private func ask(_ path: String..., asText: Bool = true) async throws -> String {
        let snapshot = try #require(resolve(Self.shop).snapshot)
        let handler = AdminHandler(mesh: FakeMesh(snapshot), limits: AdminLimits(), kinds: Self.kinds)
        let request = AdminRequest(
            origin: .socket, caller: nil, method: "GET", host: "", path: ["v1", "resources"] + path,
            query: asText ? [(name: "format", value: "text")] : [], contentType: "", body: [])
        return String(decoding: await handler.answer(request).body, as: UTF8.self)
    }

    // MARK: Checked

    @Test func `its mistakes are found where they stand`() {
        #expect(resolve(Self.shop).diagnostics.isEmpty)
        #expect(places(Self.shop + Self.shelf("x", "height: 1")) == ["manifest.missing-field 19:8"])
        #expect(places(Self.shop + Self.shelf("x", "service: books, height: 10")) == ["manifest.out-of-range 19:32"])
    }

    @Test func `what it names must be there`() throws {
        let text = Self.shop + Self.shelf("x", "service: boks, below: flor")
        #expect(places(text) == ["manifest.unknown-service 19:17", "manifest.unknown-shelf 19:30"])
        let remedies = resolve(text).diagnostics.map(\.remedy)
        #expect(remedies[0].hasPrefix("change it to \"books\""))
        #expect(remedies[1] == "change it to \"floor\", or add a Shelf named \"flor\"")
    }

    @Test func `a name is its own in a namespace`() {
        #expect(places(Self.shop + Self.shelf("top", "service: books")) == ["manifest.duplicate-resource 18:18"])
    }

    @Test func `what its kind says of all of them is told`() {
        #expect(places(Self.shop + Self.shelf("x", "service: books, below: x")) == ["manifest.shelf-on-itself 18:18"])
    }

    @Test func `without it the kind is unknown, and what it is like is told`() throws {
        let file = ManifestDecoder.decode(Array(Self.shelf("x", "service: a").utf8), path: "f")
        #expect(file.diagnostics.map(\.code.rawValue) == ["manifest.unknown-kind"])
        let misspelled = Self.shelf("x", "service: a").replacing("Shelf", with: "Shelv")
        let other = ManifestDecoder.decode(Array(misspelled.utf8), path: "f", kinds: Self.kinds)
        #expect(try #require(other.diagnostics.first).remedy.contains("\"Shelf\""))
    }

    // MARK: Shown

    @Test func `it has a table, and is one of all`() async throws {
        #expect(
            try await ask("shelves") == """
                NAME        SERVICE  ON IT  FILE
                shop/floor  books    1      shop.yaml:8
                shop/top    books    0      shop.yaml:13

                """)
        #expect(try await ask("all").contains("Shelf    shop/top      shop.yaml:13\n"))
        #expect(try await ask("mesh", "mesh", "details").contains("  Shelf: 2\n"))
        #expect(try await ask("shelv").contains("did you mean \"shelf\"?"))
    }

    @Test func `it is described with its defaults, and who is on it`() async throws {
        #expect(
            try await ask("sh", "floor", "details") == """
                # shop.yaml:8:18
                apiVersion: heddle/v1
                kind: Shelf
                metadata:
                  name: floor
                  namespace: shop
                spec:
                  service: books
                  height: 1

                On it:
                  shop/top

                """)
    }

    @Test func `it is JSON with its relations`() async throws {
        let text = try await ask("shelf", "floor", "details", asText: false)
        #expect(text.contains("\"onIt\": [\n      \"shop/top\"\n    ]"))
        #expect(text.contains("\"height\": 1"))
    }
}
