import Diagnostics
import Manifests
import Testing
import YAMLSyntax

/// No field is read and then forgotten without a word: it means something, it is refused, or the reference says that
/// nothing follows from it.
///
/// Each field that a decoder asks for is written into manifests that do not have it. If it makes no difference there, it
/// must be in the reference's table of those that make none.
struct DocumentedFieldsTests {
    /// One of each kind, and of each shape that decides which fields may stand in it.
    private static let manifests = [
        "kind: Mesh, spec: {authorization: {}, identity: {authority: {type: BuiltIn}}, proxy: {limits: {http2: {}}, timeouts: {}}}",
        "kind: Mesh, spec: {identity: {authority: {type: Files, certificateFile: a, keyFile: b}}, telemetry: {listen: '127.0.0.1:1'}}",
        "kind: Node, spec: {address: 'a:1'}",
        "kind: Node, spec: {address: 'a:1', outbound: {listen: '127.0.0.1:2'}}",
        "kind: Service, spec: {protocol: HTTP, endpoints: [{address: 'a:1'}]}",
        "kind: Service, spec: {protocol: TCP}",
        "kind: Workload, spec: {service: a, address: '127.0.0.1:1', inbound: {plain: '127.0.0.1:4'}, outbound: {listen: '127.0.0.1:2', tcp: [{service: b, listen: '127.0.0.1:3'}]}}",
        "kind: Workload, spec: {service: a, selectors: [{unix: {uid: 1}, systemd: {unit: a.service}, cgroup: {path: /a}}]}",
        "kind: Workload, spec: {service: a, selectors: [{exec: {}}], exec: {users: [1]}}",
        "kind: Gateway, spec: {listeners: [{name: a, port: 1, protocol: HTTP}, {name: b, port: 2, protocol: TCP}, {name: c, port: 3, protocol: TLS, tls: {mode: Passthrough}}, {name: d, port: 4, protocol: HTTPS, tls: {certificateFile: a, keyFile: b}}]}",
        "kind: HTTPRoute, spec: {parentRefs: [{kind: Service, name: a}], rules: [{matches: [{path: {}, headers: [{name: a, value: b}], queryParams: [{name: a, value: b}]}], backendRefs: [{name: a}], timeouts: {}}]}",
        "kind: HTTPRoute, spec: {parentRefs: [{kind: Gateway, name: a}], rules: [{filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}], add: [{name: c, value: d}], remove: [e]}}, {type: ResponseHeaderModifier, responseHeaderModifier: {}}, {type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /a}}}, {type: RequestMirror, requestMirror: {backendRef: {name: b}, fraction: {numerator: 1}}}], backendRefs: [{name: a}]}]}",
        "kind: HTTPRoute, spec: {parentRefs: [{name: a}], rules: [{filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /a}}}]}]}",
        "kind: GRPCRoute, spec: {parentRefs: [{kind: Service, name: a}], rules: [{matches: [{method: {service: a}, headers: [{name: a, value: b}]}, {method: {type: RegularExpression, method: a}}], backendRefs: [{name: a}]}]}",
        "kind: TCPRoute, spec: {parentRefs: [{kind: Service, name: a}], rules: [{backendRefs: [{name: a}]}]}",
        "kind: TLSRoute, spec: {parentRefs: [{kind: Gateway, name: a}], hostnames: [a.example], rules: [{backendRefs: [{name: a}]}]}",
        "kind: AuthorizationPolicy, spec: {targetRefs: [{kind: Service, name: a}], rules: [{from: [{source: {namespaces: [a]}}], to: [{operation: {methods: [PUT]}}], when: [{key: 'request.headers[a]', values: [b]}, {key: source.ip, values: [10.0.0.0/8]}]}]}",
        "kind: PeerAuthentication, spec: {targetRefs: [{kind: Service, name: a}], mtls: {mode: PERMISSIVE}}",
        "kind: AuthorizationPolicy, spec: {targetRefs: [{kind: Config, name: a}], rules: [{from: [{source: {namespaces: [a]}}], to: [{operation: {methods: [GET]}}]}]}",
        "kind: ConfigSource, spec: {type: Inline, data: {a: 1}}",
        "kind: ConfigSource, spec: {type: File, path: a.json}", "kind: ConfigSource, spec: {type: File, path: a.env}",
        "kind: ConfigSource, spec: {type: Folder, path: a}", "kind: ConfigSource, spec: {type: Environment, prefix: a}",
        "kind: ConfigSource, spec: {type: HTTP, url: 'https://a.example/a.json'}",
        "kind: ConfigSource, spec: {type: Etcd, endpoints: ['https://a.example'], prefix: /a, tls: {caFile: b}}",
        "kind: ConfigSource, spec: {type: Etcd, endpoints: ['https://a.example'], prefix: /a, tls: {certFile: a, keyFile: b}, user: a, passwordFile: b}",
        "kind: Config, spec: {sources: [a], mergeKeys: [{path: a, key: b}], fallbacks: [{path: a, from: [b]}], schema: {type: object}, pinned: {revision: 0123456789ab}, project: [{path: /a.json, workload: a, onChange: {signal: HUP, unit: a.service}}, {path: /b.json, workload: a, onChange: {service: a, path: /a}}, {path: /c.json, workload: a, onChange: {signal: HUP, pidFile: /a}}]}",
        "kind: Config, spec: {sources: [a], schemaFile: a}",
    ].map { "{apiVersion: heddle/v1, metadata: {name: n, namespace: o}, \($0)}" }

    /// Of kinds that are not among `manifests`, the reference's examples.
    private static func furtherExamples() throws -> [String] {
        let tried = Set(try manifests.compactMap { decoded(try tree($0)).resources.first?.kind.rawValue })
        return try DocumentedKindsTests.examples().filter { !tried.contains($0.kind) }.map(\.manifest)
    }

    /// Written for a field, one after the other; in flow style.
    private static let samples = [
        "true", "7", "443", "70000", "17s", "77s", "text", "o", "other.example", "/path", "127.0.0.1:9", "10.0.0.0/8",
        "192.0.2.1",
        "[text]", "[/path]", "[443]", "[GET]", "[other.example]", "[10.0.0.0/8]", "[o/text]",
        "[{name: text, value: text}]",
        "[{name: text}]", "[{address: '127.0.0.1:9'}]", "[{backendRefs: [{name: z}]}]", "[{method: GET}]",
        "[{path: {value: /path}}]", "[{source: {namespaces: [z]}}]", "[{operation: {methods: [GET]}}]",
        "[{key: source.namespace, values: [z]}]", "[{method: {service: z}}]", "[{service: z, listen: '127.0.0.1:9'}]",
        "[{type: RequestHeaderModifier, requestHeaderModifier: {remove: [z]}}]",
        "[{type: RequestMirror, requestMirror: {backendRef: {name: z}}}]", "[{kind: Service, name: z}]",
        "{text: text}", "{listen: '127.0.0.1:9'}", "{name: z}", "{request: 17s}", "{idle: 17s}", "{headerBytes: 2048}",
        "{resets: 7}", "{value: /path}", "{numerator: 1, denominator: 7}", "{defaultAction: Allow}", "{svidTTL: 77s}",
        "{type: Files, certificateFile: y, keyFile: z}", "{workers: 7}", "{type: ReplaceFullPath, replaceFullPath: /z}",
        "[{unix: {uid: 8}}]", "{uid: 8}", "{unit: z.service}", "\(String(repeating: "0f", count: 32))",
        "{}", "{path: /z}", "{service: z}", "{remove: [z]}", "{mode: Terminate}", "{plain: '127.0.0.1:9'}", "Service",
        "Gateway", "core", "HTTP",
        "GRPC", "TCP",
        "All",
        "None", "Allow", "Deny", "DENY", "ALLOW", "Keep", "Reject", "Exact", "PathPrefix", "RegularExpression", "GET",
        "http", "https", "301", "Enforce", "Shadow", "Terminate", "Passthrough", "BuiltIn", "Files", "TOML", "Drop",
        "Infer",
        "__", "false", "0640", "{a: /z}", "{caFile: z}", "[{path: z, key: z}]", "[{path: z, from: [y]}]", "[/values/z]",
        "{revision: abcdef012345}", "[{path: /z.json, workload: z}]", "{signal: HUP, unit: z.service}",
    ]

    /// It makes a difference to what people are shown, and to nothing else.
    private static let shownOnly = "metadata.labels"

    /// Codes that say: not here, or not yet.
    private static let refusals: Set<String> = ["manifest.conflicting-fields", "manifest.not-available"]

    @Test func `every field that may be written means something, is refused, or is said to mean nothing`() throws {
        let page = try RepositoryText("docs/reference/kinds.md").text
        let section = try #require(page.split(separator: "## Accepted, and nothing follows from it").dropFirst().first)
        let documented = Set(
            section.prefix { $0 != "#" }.split(separator: "\n").filter { $0.hasPrefix("| `") }.flatMap { line in
                line.split(separator: "|")[0].matches(of: /`([\w.]+)`/).map { String($0.output.1) }
            })
        var silent: Set<String> = []
        var untried: Set<String> = []
        for manifest in try Self.manifests + Self.furtherExamples() {
            let tree = try Self.tree(manifest)
            let meant = try #require(Self.meaning(of: tree), "\(manifest): \(Self.mistakes(in: tree))")
            for path in tree.mappings {
                for field in Self.fields(in: tree, at: path) where !tree.has(field, at: path) {
                    var differs = false
                    var isRefused = false
                    var isTaken = false
                    for sample in Self.samples {
                        let changed = tree.adding(field, .text(sample), at: path)
                        if let meaning = Self.meaning(of: changed) {
                            isTaken = true
                            differs = differs || meaning != meant
                        } else if Self.mistakes(in: changed).contains(where: Self.refusals.contains) {
                            isRefused = true
                        }
                        if differs { break }
                    }
                    let place = "\(tree.owner(at: path)).\(field)"
                    if isTaken, !differs { silent.insert(place) }
                    if !isTaken, !isRefused { untried.insert(place) }
                }
            }
        }
        #expect(untried.sorted() == [], "give the test a sample that these fields take")
        #expect(silent.subtracting(documented).sorted() == [])
        #expect(documented.subtracting(silent).subtracting([Self.shownOnly]).sorted() == [])
    }

    @Test func `every property of a resource is used by what serves it`() throws {
        let models = try RepositoryText.files(below: "Sources/Intent/Manifests", ending: ".swift")
            .filter { !$0.path.hasSuffix("Decoding.swift") }
        let others = try RepositoryText.files(below: "Sources", ending: ".swift").filter {
            !$0.path.contains("Intent/Manifests/") && !$0.path.contains("AdminAPI/Rendering/")
        }
        #expect(others.allSatisfy { !$0.text.contains(Self.shownOnly) })
        let words = Set(others.flatMap { $0.all(/\.([A-Za-z]\w*)/) }.map(String.init))
        let properties = Set(models.flatMap { $0.all(/package var (\w+)(?:: [^{\n]+| = .+)\n/) }.map(String.init))
        #expect(properties.count > 40, "the sources are not where this test looks for them")
        #expect(properties.subtracting(words).sorted() == [])
    }

    // MARK: Manifests as trees

    private indirect enum Tree {
        /// In flow style, as it is to be written.
        case text(String)
        case list([Tree])
        case mapping([(key: String, value: Tree)])

        /// Where the mappings are: indices of items and members.
        var mappings: [[Int]] {
            switch self {
            case .text: []
            case .list(let items): items.enumerated().flatMap { index, item in item.mappings.map { [index] + $0 } }
            case .mapping(let members):
                [[]] + members.enumerated().flatMap { index, member in member.value.mappings.map { [index] + $0 } }
            }
        }

        var rendered: String {
            switch self {
            case .text(let text): text
            case .list(let items): "[\(items.map(\.rendered).joined(separator: ", "))]"
            case .mapping(let members): "{\(members.map { "\($0.key): \($0.value.rendered)" }.joined(separator: ", "))}"
            }
        }

        private func at(_ path: some Collection<Int>) -> Tree {
            guard let first = path.first else { return self }
            switch self {
            case .text: return self
            case .list(let items): return items[first].at(path.dropFirst())
            case .mapping(let members): return members[first].value.at(path.dropFirst())
            }
        }

        func has(_ field: String, at path: [Int]) -> Bool {
            guard case .mapping(let members) = at(path) else { return false }
            return members.contains { $0.key == field }
        }

        func adding(_ field: String, _ value: Tree, at path: some Collection<Int>) -> Tree {
            switch self {
            case .text: return self
            case .list(var items):
                guard let first = path.first else { return self }
                items[first] = items[first].adding(field, value, at: path.dropFirst())
                return .list(items)
            case .mapping(var members):
                if let first = path.first {
                    members[first].value = members[first].value.adding(field, value, at: path.dropFirst())
                } else {
                    members.append((field, value))
                }
                return .mapping(members)
            }
        }

        /// `backendRefs`, `metadata`; of the whole, its kind.
        func owner(at path: [Int]) -> String {
            var names: [String] = []
            var tree = self
            for index in path {
                switch tree {
                case .text: break
                case .list(let items): tree = items[index]
                case .mapping(let members):
                    names.append(members[index].key)
                    tree = members[index].value
                }
            }
            return names.last ?? "resource"
        }
    }

    private static func tree(_ manifest: String) throws -> Tree {
        var reader = try YAMLReader(Array(manifest.utf8), file: "m")
        return tree(try #require(reader.next { _ in }))
    }

    private static func tree(_ node: YAMLNode) -> Tree {
        switch node.content {
        case .scalar(let scalar): .text(scalar.isPlain ? scalar.text : JSONValue.string(scalar.text).rendered())
        case .sequence(let items): .list(items.map(tree))
        case .mapping(let entries): .mapping(entries.map { (key: $0.key, value: tree($0.value)) })
        }
    }

    private static func decoded(_ tree: Tree) -> ManifestFile {
        ManifestDecoder.decode(Array(tree.rendered.utf8), path: "m")
    }

    /// What is left of a manifest without its places; `nil` if there is a mistake in it.
    private static func meaning(of tree: Tree) -> String? {
        let file = decoded(tree)
        guard file.diagnostics.isEmpty else { return nil }
        return "\(file.resources)".replacing(/\bm:\d+:\d+\b/, with: "")
    }

    private static func mistakes(in tree: Tree) -> [String] { decoded(tree).diagnostics.map(\.code.rawValue) }

    /// The fields that its decoder asks for, as it says when it finds another.
    private static func fields(in tree: Tree, at path: [Int]) -> [String] {
        let unknown = "zzzzzzzzzzzzzzzzzzzz"
        let found = decoded(tree.adding(unknown, .text("1"), at: path)).diagnostics
            .first { $0.code.rawValue == "manifest.unknown-field" && $0.found.contains(unknown) }
        guard let list = found?.remedy.split(separator: " has ").last, found?.remedy.contains(" has ") == true else {
            return []
        }
        return list.split(separator: ", ").map(String.init)
    }
}
