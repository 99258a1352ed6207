import CommonValues
import ConfigFormats
import ConfigValues
import Diagnostics
import Testing

@testable import Manifests

private func source(_ spec: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> ConfigSource {
    try decoded("ConfigSource", spec, sourceLocation: sourceLocation) { $0 as? ConfigSource }
}

private func problems(_ spec: String) -> [Diagnostic] {
    ManifestDecoder.decode(Array(manifest("ConfigSource", spec).utf8), path: "f.yaml").diagnostics
}

struct ConfigSourceTests {
    // MARK: Read

    @Test func `values that stand in a manifest keep their places`() throws {
        let source = try source(
            """
            type: Inline
            data:
              database: {host: db.example, port: 5432, ratio: 1.10}
              flags: [yes, true, null, 0123, 0x10, "7"]
            """)
        guard case .inline(let data) = source.backing else { return #expect(Bool(false)) }
        let host = try #require(data[ConfigPath(["database", "host"])])
        #expect(host.content.text == "db.example")
        #expect(host.origin == ValueOrigin(layer: "shop/x", position: at(7, 22, 10)))
        #expect(data[ConfigPath(["database", "port"])]?.content.number == .integer(5432))
        #expect(data[ConfigPath(["database", "ratio"])]?.content.number == .fraction(1.1))
        let flags = try #require(data[ConfigPath(["flags"])]?.list)
        #expect(flags[0].content.text == "yes" && flags[5].content.text == "7")
        #expect(flags[3].content.number == .integer(123) && flags[4].content.number == .integer(16))
        #expect(flags[1].typeName == "a boolean" && flags[2].typeName == "null")
        #expect(!source.isSecret && source.files.isEmpty)
    }

    @Test func `a secret source's values are secret`() throws {
        let source = try source("{type: Inline, secret: true, data: {token: hush, list: [1], none: {}}}")
        guard case .inline(let data) = source.backing else { return #expect(Bool(false)) }
        #expect(source.isSecret)
        #expect(data[ConfigPath(["token"])]?.origin.isSecret == true)
        #expect(data[ConfigPath(["list", "0"])]?.origin.isSecret == true)
        let shown = source.yamlText
        #expect(!shown.contains("hush") && shown.contains("token: \"(secret)\""))
        #expect(shown.contains("none: \"(secret)\"") && shown.contains("- \"(secret)\""))
    }

    @Test(arguments: [
        ("app.json", "JSON"), ("../app.yaml", "YAML"), ("/etc/app.YML", "YAML"), ("a.b/app.toml", "TOML"),
        (".env", "dotenv"), ("prod.env", "dotenv"), (".env.local", "dotenv"), (".configs/app.yml", "YAML"),
    ])
    func `a file's extension says what it is written in`(path: String, format: String) throws {
        guard case .file(let file) = try source("{type: File, path: \(path)}").backing else {
            return #expect(Bool(false))
        }
        #expect(file.path.value == path && file.format.rawValue == format)
    }

    @Test func `a format that is written counts`() throws {
        let source = try source("{type: File, path: app.conf, format: TOML, optional: true, onError: Drop}")
        guard case .file(let file) = source.backing else { return #expect(Bool(false)) }
        #expect(file.format == .toml && source.isOptional && source.onError == .drop)
        #expect(source.files.isEmpty, "whoever reads it watches it")
    }

    @Test func `a folder is read`() throws {
        let source = try source("{type: Folder, path: /etc/app}")
        guard case .folder(let folder) = source.backing else { return #expect(Bool(false)) }
        #expect(
            folder.path.value == "/etc/app" && folder.types == .text && !source.isOptional
                && source.onError == .keepLast)
    }

    @Test func `an environment is read`() throws {
        guard case .environment(let all) = try source("{type: Environment, prefix: APP_}").backing,
            case .environment(let other) = try source(
                "{type: Environment, prefix: app, strip: false, separator: __, types: Infer}"
            ).backing
        else { return #expect(Bool(false)) }
        #expect(all == EnvironmentSource(prefix: "APP_", isStripped: true, separator: "_", types: .text))
        #expect(other == EnvironmentSource(prefix: "app", isStripped: false, separator: "__", types: .infer))
    }

    @Test func `names in a dotenv file, types of texts and references are read`() throws {
        guard case .file(let plain) = try source("{type: File, path: a.env}").backing,
            case .file(let file) = try source(
                "{type: File, path: a.env, prefix: APP_, strip: false, separator: __, types: Infer}"
            ).backing,
            case .http(let http) = try source("{type: HTTP, url: 'https://a.example/a', format: dotenv, prefix: B}")
                .backing,
            case .folder(let folder) = try source("{type: Folder, path: a, types: Infer}").backing,
            case .etcd(let etcd) = try source(
                "{type: Etcd, endpoints: ['https://a.example'], prefix: /a, types: Infer}"
            ).backing
        else { return #expect(Bool(false)) }
        #expect(plain.names == DotenvNames() && plain.names.separator == nil)
        #expect(file.names.prefix == "APP_" && !file.names.isStripped && file.names.separator == "__")
        #expect(file.names.types == .infer && folder.types == .infer && etcd.types == .infer)
        #expect(http.names.prefix == "B")
    }

    @Test(arguments: [
        ("{type: Inline, data: {}}", true), ("{type: File, path: a.json}", true), ("{type: File, path: a.env}", false),
        ("{type: Folder, path: a}", false), ("{type: Environment, prefix: A}", false),
        ("{type: HTTP, url: 'https://a.example/a.toml'}", true), ("{type: HTTP, url: 'https://a.example/.env'}", false),
        ("{type: Etcd, endpoints: ['https://a.example'], prefix: /a}", false),
    ])
    func `documents have references, and texts by nature have none, unless it is said`(spec: String, isDocument: Bool)
        throws
    {
        #expect(try source(spec).hasReferences == isDocument)
        let other = spec.dropLast() + ", references: \(!isDocument)}"
        #expect(try source(String(other)).hasReferences != isDocument)
    }

    @Test func `the values of a source without references are what they are`() throws {
        guard case .inline(let data) = try source("{type: Inline, references: false, data: {a: x}}").backing,
            case .inline(let other) = try source("{type: Inline, data: {a: x}}").backing
        else { return #expect(Bool(false)) }
        #expect(data[ConfigPath(["a"])]?.origin.isLiteral == true)
        #expect(other[ConfigPath(["a"])]?.origin.isLiteral == false)
    }

    @Test func `a URL is asked`() throws {
        let source = try source(
            """
            type: HTTP
            url: HTTPS://Config.Example:8443/app.json?env=prod
            interval: 5s
            headersFrom: {Authorization: token, x-team: /etc/team}
            caFile: ca.pem
            """)
        guard case .http(let http) = source.backing else { return #expect(Bool(false)) }
        #expect(http.url.value.isTLS && http.url.value.host == .name("config.example") && http.url.value.port == 8443)
        #expect(http.url.value.target == "/app.json?env=prod" && http.format == .json)
        #expect(http.interval == .seconds(5))
        #expect(http.headers.map(\.name.value) == ["authorization", "x-team"])
        #expect(source.files == ["token", "/etc/team", "ca.pem"])
    }

    @Test func `what is not said of a URL has its default`() throws {
        guard case .http(let http) = try source("{type: HTTP, url: 'http://[::1]', format: YAML}").backing else {
            return #expect(Bool(false))
        }
        #expect(http.url.value.port == 80 && http.url.value.target == "/" && http.url.value.isPrivate)
        #expect(http.interval == .seconds(30) && http.headers.isEmpty && http.caFile == nil)
        #expect("\(http.url.value)" == "http://[::1]")
    }

    @Test func `etcd is asked`() throws {
        let source = try source(
            """
            type: Etcd
            endpoints: ["https://a.example:2379", "https://192.0.2.1:2379"]
            prefix: /app/
            tls: {caFile: ca.pem, certFile: me.pem, keyFile: me.key}
            user: heddle
            passwordFile: /run/secrets/etcd
            """)
        guard case .etcd(let etcd) = source.backing else { return #expect(Bool(false)) }
        #expect(etcd.endpoints.map { "\($0.value)" } == ["https://a.example:2379", "https://192.0.2.1:2379"])
        #expect(etcd.prefix == "/app/" && etcd.user?.name.value == "heddle")
        #expect(source.files == ["ca.pem", "me.pem", "me.key", "/run/secrets/etcd"])
    }

    // MARK: Mistakes

    @Test(arguments: [
        ("{}", "manifest.missing-field 5:3"), ("type: inline", "manifest.invalid-value 5:9"),
        ("type: Vault", "manifest.invalid-value 5:9"), ("type: Inline", "manifest.missing-field 5:3"),
        ("{type: Inline, data: [1]}", "manifest.wrong-type 5:24"),
        ("{type: Inline, data: text}", "manifest.wrong-type 5:24"),
        ("{type: Inline, data: }", "manifest.wrong-type 5:18"),
        ("{type: Inline, data: {}, secret: 'true'}", "manifest.wrong-type 5:36"),
        ("{type: Inline, data: {}, datta: {}}", "manifest.unknown-field 5:28"),
        ("type: File", "manifest.missing-field 5:3"), ("{type: File, path: app}", "manifest.missing-field 5:4"),
        ("{type: File, path: app.xml}", "manifest.missing-field 5:4"),
        ("{type: File, path: ''}", "manifest.invalid-value 5:22"),
        ("{type: File, path: app.yaml}", "manifest.invalid-value 5:22"),
        ("{type: File, path: ./sub/app.yml}", "manifest.invalid-value 5:22"),
        ("{type: File, path: app.json, format: json}", "manifest.invalid-value 5:40"),
        ("{type: File, path: app.json, format: XML}", "manifest.invalid-value 5:40"),
        ("{type: File, path: app.json, optional: 1}", "manifest.wrong-type 5:42"),
        ("{type: File, path: app.json, onError: Keep}", "manifest.invalid-value 5:41"),
        ("type: Folder", "manifest.missing-field 5:3"), ("{type: Folder, path: [a]}", "manifest.wrong-type 5:24"),
        ("type: Environment", "manifest.missing-field 5:3"),
        ("{type: Environment, prefix: 'APP_*'}", "manifest.invalid-value 5:31"),
        ("{type: Environment, prefix: 1APP}", "manifest.invalid-value 5:31"),
        ("{type: Environment, prefix: ''}", "manifest.invalid-value 5:31"),
        ("{type: Environment, prefix: A, separator: '.'}", "manifest.invalid-value 5:45"),
        ("{type: Environment, prefix: A, separator: _____}", "manifest.invalid-value 5:45"),
        ("{type: Environment, prefix: A, strip: no}", "manifest.wrong-type 5:41"),
        ("{type: Environment, prefix: A, types: Text1}", "manifest.invalid-value 5:41"),
        ("{type: File, path: app.json, prefix: A}", "manifest.conflicting-fields 5:32"),
        ("{type: File, path: app.json, types: Infer}", "manifest.conflicting-fields 5:32"),
        ("{type: File, path: app.env, separator: '.'}", "manifest.invalid-value 5:42"),
        ("{type: Folder, path: app, separator: _}", "manifest.conflicting-fields 5:29"),
        ("{type: Folder, path: app, references: 1}", "manifest.wrong-type 5:41"),
    ])
    func `a mistake in a source of this host is an error at its place`(spec: String, mistake: String) {
        #expect(mistakes(manifest("ConfigSource", spec)) == [mistake])
    }

    @Test(arguments: [
        ("type: HTTP\nformat: JSON", "manifest.missing-field 5:3"),
        ("type: HTTP\nurl: a.example/a.json", "manifest.invalid-value 6:8"),
        ("type: HTTP\nurl: ftp://a.example/a.json", "manifest.invalid-value 6:8"),
        ("type: HTTP\nurl: https://u:p@a.example/a.json", "manifest.invalid-value 6:8"),
        ("type: HTTP\nurl: https://a.example/a.json#b", "manifest.invalid-value 6:8"),
        ("type: HTTP\nurl: 'https://a.example/a b.json'", "manifest.invalid-value 6:8"),
        ("type: HTTP\nurl: https:///a.json", "manifest.invalid-value 6:8"),
        ("type: HTTP\nurl: https://a.example:0/a.json", "manifest.invalid-value 6:8"),
        ("type: HTTP\nurl: https://a.example:65536/a.json", "manifest.invalid-value 6:8"),
        ("type: HTTP\nurl: https://::1/a.json", "manifest.invalid-value 6:8"),
        ("type: HTTP\nurl: https://a.example/a", "manifest.missing-field 5:3"),
        ("type: HTTP\nurl: https://a.example/a.json\ninterval: 500ms", "manifest.out-of-range 7:13"),
        ("type: HTTP\nurl: https://a.example/a.json\ninterval: 25h", "manifest.out-of-range 7:13"),
        ("type: HTTP\nurl: https://a.example/a.json\ninterval: 30", "manifest.wrong-type 7:13"),
        ("type: HTTP\nurl: http://a.example/a.json\ncaFile: ca.pem", "manifest.conflicting-fields 7:3"),
        ("type: HTTP\nurl: https://a.example/a.json\nheadersFrom: [a]", "manifest.wrong-type 7:16"),
        ("type: HTTP\nurl: https://a.example/a.json\nheadersFrom: {}", "manifest.wrong-type 7:16"),
        ("type: HTTP\nurl: https://a.example/a.json\nheadersFrom: {a: 1}", "manifest.wrong-type 7:20"),
        ("type: HTTP\nurl: https://a.example/a.json\nheadersFrom: {a b: c}", "manifest.invalid-value 7:17"),
        ("type: HTTP\nurl: https://a.example/a.json\nheadersFrom: {Host: c}", "manifest.protected-header 7:17"),
        ("type: HTTP\nurl: https://a.example/a.json\nheadersFrom: {TE: c}", "manifest.protected-header 7:17"),
        (
            "type: HTTP\nurl: https://a.example/a.json\nheadersFrom: {If-None-Match: c}",
            "manifest.protected-header 7:17"
        ),
        ("type: HTTP\nurl: https://a.example/a.json\nheadersFrom: {a: b, A: c}", "manifest.duplicate-item 7:23"),
        ("type: Etcd\nendpoints: ['http://a.example']", "manifest.missing-field 5:3"),
        ("type: Etcd\nprefix: /a", "manifest.missing-field 5:3"),
        ("type: Etcd\nprefix: /a\nendpoints: []", "manifest.invalid-value 7:14"),
        ("type: Etcd\nprefix: /a\nendpoints: ['http://a.example/a']", "manifest.invalid-value 7:15"),
        ("type: Etcd\nprefix: /a\nendpoints: ['a.example:2379']", "manifest.invalid-value 7:15"),
        ("type: Etcd\nprefix: a\nendpoints: ['http://a.example']", "manifest.invalid-value 6:11"),
        ("type: Etcd\nprefix: /a//b\nendpoints: ['http://a.example']", "manifest.invalid-value 6:11"),
        (
            "type: Etcd\nprefix: /\nendpoints: ['http://a.example', 'http://A.example:80']",
            "manifest.duplicate-item 7:35"
        ),
        (
            "type: Etcd\nprefix: /\nendpoints: ['https://a.example', 'http://b.example']",
            "manifest.conflicting-fields 7:36"
        ),
        ("type: Etcd\nprefix: /\nendpoints: ['http://a.example']\ntls: {}", "manifest.conflicting-fields 8:3"),
        (
            "type: Etcd\nprefix: /\nendpoints: ['https://a.example']\ntls: {certFile: a}",
            "manifest.conflicting-fields 8:9"
        ),
        (
            "type: Etcd\nprefix: /\nendpoints: ['https://a.example']\ntls: {keyFile: a}",
            "manifest.conflicting-fields 8:9"
        ),
        ("type: Etcd\nprefix: /\nendpoints: ['https://a.example']\ntls: {ca: a}", "manifest.unknown-field 8:9"),
        ("type: Etcd\nprefix: /\nendpoints: ['https://a.example']\nuser: a", "manifest.conflicting-fields 8:3"),
        ("type: Etcd\nprefix: /\nendpoints: ['https://a.example']\npasswordFile: a", "manifest.conflicting-fields 8:3"),
    ])
    func `a mistake in a source elsewhere is an error at its place`(spec: String, mistake: String) {
        #expect(mistakes(manifest("ConfigSource", spec)) == [mistake])
    }

    @Test func `more endpoints or headers than there may be are an error`() {
        let endpoints = (1...17).map { "'http://a\($0).example'" }.joined(separator: ", ")
        #expect(
            mistakes(manifest("ConfigSource", "type: Etcd\nprefix: /\nendpoints: [\(endpoints)]"))
                == ["manifest.out-of-range 7:15"])
        let headers = (1...33).map { "a\($0): b" }.joined(separator: ", ")
        let spec = "type: HTTP\nurl: https://a.example/a.json\nheadersFrom: {\(headers)}"
        #expect(mistakes(manifest("ConfigSource", spec)) == ["manifest.out-of-range 7:17"])
    }

    /// What each type needs, and what others have.
    private static let specs: [SourceType: String] = [
        .inline: "data: {}", .file: "path: a.json", .folder: "path: a", .environment: "prefix: A",
        .http: "url: https://a.example/a.json", .etcd: "prefix: /a\nendpoints: ['https://a.example']",
    ]
    private static let fields: [(String, Set<SourceType>)] = [
        ("data: {}", [.inline]), ("path: a.json", [.file, .folder]), ("format: JSON", [.file, .http]),
        ("prefix: A", [.environment, .etcd]), ("strip: true", [.environment]), ("separator: _", [.environment]),
        ("types: Text", [.environment, .folder, .etcd]), ("url: https://a.example/a.json", [.http]),
        ("interval: 1s", [.http]),
        ("headersFrom: {a: b}", [.http]), ("caFile: a", [.http]), ("endpoints: ['https://a.example']", [.etcd]),
        ("tls: {caFile: a}", [.etcd]), ("user: a", [.etcd]), ("passwordFile: a", [.etcd]),
        ("optional: true", [.file, .folder, .http, .etcd]), ("onError: Drop", [.file, .folder, .http, .etcd]),
    ]

    @Test(arguments: SourceType.allCases)
    func `a field of another type is an error that says whose it is`(type: SourceType) throws {
        let own = "type: \(type.rawValue)\n\(try #require(Self.specs[type]))"
        let line = 5 + own.split(separator: "\n").count
        for (field, types) in Self.fields where !types.contains(type) {
            let found = problems("\(own)\n\(field)")
            #expect(found.map(\.code) == [.conflictingFields], "\(type) \(field)")
            #expect(found.first?.position.line == line && found.first?.position.column == 3)
            #expect(found.first?.expected.contains("\"\(type.rawValue)\"") == true)
        }
    }

    @Test func `whose a field of another type is, is said`() throws {
        let found = try #require(problems("{type: File, path: a.json, url: 'https://a.example'}").first)
        #expect(found.expected == "a field of type \"File\": this one is of \"HTTP\"")
        #expect(found.remedy == "remove it, or change type to \"HTTP\"")
    }

    @Test(arguments: ["9223372036854775808", "-9223372036854775809", "0x8000000000000000", "1e309", ".inf", ".nan"])
    func `a number that a config cannot hold is an error where it stands`(number: String) {
        let spec = "type: Inline\ndata:\n  a: [1, \(number)]"
        #expect(mistakes(manifest("ConfigSource", spec)) == ["format.number 7:12"])
    }

    @Test(arguments: ["9223372036854775807", "-9223372036854775808", "1.7976931348623157e308", "+7", "0o17"])
    func `one that it can is none`(number: String) {
        #expect(problems("type: Inline\ndata:\n  a: [1, \(number)]").isEmpty)
    }

    @Test(arguments: ["{a: 92233720368547758070}", "[92233720368547758070]", "92233720368547758070"])
    func `a mistake in a secret source's values shows none of them`(data: String) throws {
        for isSecret in ["true", "yes"] {
            let text = manifest("ConfigSource", "{type: Inline, data: \(data), secret: \(isSecret)}")
            let found = ManifestDecoder.decode(Array(text.utf8), path: "f.yaml").diagnostics
                .filter { $0.code != .wrongType || !$0.expected.contains("true") }
            let one = try #require(found.first)
            #expect(found.count == 1)
            #expect(!one.rendered(in: SourceText(Array(text.utf8))).contains("922337"))
            #expect(!one.json.rendered().contains("922337") && one.position.line == 5)
        }
    }

    @Test func `a password in a URL is not told again`() throws {
        let spec = "{type: HTTP, url: 'https://me:hush@a.example/a.json'}"
        let found = try #require(problems(spec).first)
        #expect(!found.rendered(in: SourceText(Array(manifest("ConfigSource", spec).utf8))).contains("hush"))
    }

    // MARK: Shown

    @Test(arguments: [
        "{type: Inline, data: {a: {b: [1, 1.5, true, null, 'true', '1', {}], c: ''}, \"d.e f\": x}}",
        "{type: File, path: a.json}",
        "{type: File, path: a, format: dotenv, optional: true, onError: Drop, secret: true}",
        "{type: Folder, path: /a}", "{type: Environment, prefix: A, types: Infer, strip: false, separator: __}",
        "{type: HTTP, url: 'https://a.example:8443/a.json?b=c', headersFrom: {a: b}, caFile: c, interval: 1m}",
        "{type: Etcd, endpoints: ['https://a.example:2379'], prefix: /a, tls: {certFile: a, keyFile: b}, user: c, passwordFile: d}",
        "{type: Etcd, endpoints: ['http://a.example'], prefix: /}",
    ])
    func `a source is shown as it was read`(spec: String) throws {
        let read = try source(spec)
        let again = try #require(decode(read.yamlText).first as? ConfigSource)
        #expect(again.manifestJSON == read.manifestJSON)
        #expect(again.backing == read.backing && again.isOptional == read.isOptional)
        #expect(again.onError == read.onError && again.isSecret == read.isSecret)
    }

    // MARK: Among others

    private func warnings(_ text: String) -> [String] {
        let file = ManifestDecoder.decode(Array(text.utf8), path: "f.yaml")
        #expect(file.diagnostics.isEmpty)
        let set = Kinds.all.set(of: [file]).set
        return Kinds.all[.configSource]?.mistakes(in: set)
            .map { "\($0.severity.rawValue) \($0.code.rawValue) \($0.position.line):\($0.position.column)" } ?? []
    }

    @Test(arguments: [
        ("{type: HTTP, url: 'http://a.example/a.json', headersFrom: {a: b}}", true),
        ("{type: HTTP, url: 'http://a.example/a.json'}", false),
        ("{type: HTTP, url: 'https://a.example/a.json', headersFrom: {a: b}}", false),
        ("{type: HTTP, url: 'http://127.0.0.1/a.json', headersFrom: {a: b}}", false),
        ("{type: HTTP, url: 'http://localhost/a.json', headersFrom: {a: b}}", false),
        ("{type: Etcd, endpoints: ['http://[::1]', 'http://a.example'], prefix: /, user: a, passwordFile: b}", true),
        ("{type: Etcd, endpoints: ['http://[::1]'], prefix: /, user: a, passwordFile: b}", false),
        ("{type: Etcd, endpoints: ['https://a.example'], prefix: /, user: a, passwordFile: b}", false),
    ])
    func `what others can read along is told of`(spec: String, isTold: Bool) {
        let found = warnings(manifest("ConfigSource", spec))
        #expect(found.map { $0.contains("warning manifest.readable-secret 5:") } == (isTold ? [true] : []))
    }
}

private func at(_ line: Int, _ column: Int, _ length: Int) -> SourcePosition {
    SourcePosition(file: "f.yaml", line: line, column: column, length: length)
}

extension ConfigValue.Content {
    fileprivate var text: String? { if case .string(let text) = self { text } else { nil } }
    fileprivate var number: ConfigNumber? { if case .number(let number) = self { number } else { nil } }
}
