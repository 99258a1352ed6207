import ConfigFormats
import ConfigValues
import Diagnostics
import YAMLSyntax

extension ConfigSource {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "ConfigSource", &problems) else { return nil }
        let layer = metadata.name.description
        let type = fields.required("type", Scalar.choice(of: SourceType.self), &problems)
        // Whatever else was meant by a value that is none: nothing is shown.
        let isSecret = fields.optional("secret", Scalar.boolean, default: fields.has("secret"), &problems)
        let references = fields.optional("references", Scalar.boolean, &problems)
        var backing: Backing?
        switch type {
        case .inline:
            let tree = ConfigTree(layer: layer, isSecret: isSecret, isLiteral: references == false)
            backing = fields.required("data", tree.map, &problems).map(Backing.inline)
        case .file: backing = FileSource(&fields, &problems).map(Backing.file)
        case .folder: backing = FolderSource(&fields, &problems).map(Backing.folder)
        case .environment: backing = EnvironmentSource(&fields, &problems).map(Backing.environment)
        case .http: backing = HTTPSource(&fields, &problems).map(Backing.http)
        case .etcd: backing = EtcdSource(&fields, &problems).map(Backing.etcd)
        case nil: for field in Self.fields { _ = fields.entry(field.name, &problems) }
        }
        var isOptional = false
        var onError = SourceErrorAction.keepLast
        if type?.canFail ?? true {
            isOptional = fields.optional("optional", Scalar.boolean, default: false, &problems)
            onError = fields.optional(
                "onError", Scalar.choice(of: SourceErrorAction.self), default: .keepLast, &problems)
        }
        if let type { Self.refuseOthers(than: type, in: &fields, &problems) }
        fields.reportUnknownFields(&problems)
        // One that says nothing stands in for what cannot be read, so that what names it is not reported, too.
        let nothing = ConfigValue(
            .map(ConfigMap()), origin: ValueOrigin(layer: layer, position: spec.position, isSecret: isSecret))
        self.init(
            metadata: metadata, backing: backing ?? .inline(nothing), isOptional: isOptional, onError: onError,
            isSecret: isSecret, hasReferences: references ?? !(backing?.isText ?? false))
    }

    /// Of each field that not all types have, which ones do.
    private static let fields: [(name: String, types: [SourceType])] = [
        ("data", [.inline]), ("path", [.file, .folder]), ("format", [.file, .http]),
        ("prefix", [.environment, .etcd, .file, .http]),
        ("strip", [.environment, .file, .http]), ("separator", [.environment, .file, .http]),
        ("types", [.environment, .file, .folder, .http, .etcd]), ("url", [.http]),
        ("interval", [.http]), ("headersFrom", [.http]), ("caFile", [.http]), ("endpoints", [.etcd]), ("tls", [.etcd]),
        ("user", [.etcd]), ("passwordFile", [.etcd]),
    ]

    private static func refuseOthers(
        than type: SourceType, in fields: inout FieldReader, _ problems: inout Problems
    ) {
        for field in Self.fields where !field.types.contains(type) {
            let types = field.types.map { "\"\($0.rawValue)\"" }.joined(separator: " or ")
            let remedy =
                field.name == "caFile" && type == .etcd ? "write it below tls" : "remove it, or change type to \(types)"
            fields.refused(
                field.name, expected: "a field of type \"\(type.rawValue)\": this one is of \(types)", remedy: remedy,
                &problems)
        }
        guard !type.canFail else { return }
        for field in ["optional", "onError"] {
            fields.refused(
                field, expected: "none with type \"\(type.rawValue)\", whose values are always there",
                remedy: "remove \(field)", &problems)
        }
    }
}

extension SourceType {
    /// It may be away, or change to what cannot be read.
    fileprivate var canFail: Bool { self != .inline && self != .environment }
}

extension FileSource {
    fileprivate init?(_ fields: inout FieldReader, _ problems: inout Problems) {
        let path = fields.required("path", located(Scalar.text), &problems)
        let format = ConfigFormat.optional("format", in: &fields, of: path?.value, called: "path", &problems)
        let names = DotenvNames(&fields, of: format, .file, &problems)
        guard let path, let format else { return nil }
        if Self.isManifest(path.value) {
            problems.report(
                .invalidValue, at: path.position, found: Diagnostic.quoted(path.value),
                expected: "a file that is no manifest, as all of the manifests folder are that end so",
                remedy: "move it out of the folder, or below a hidden one: \".configs/\(path.value)\"")
        }
        self.init(path: path, format: format, names: names)
    }

    /// Whether it would be read as a manifest: one below the manifests folder that ends as they do, and is not hidden.
    private static func isManifest(_ path: String) -> Bool {
        let isBelow = !path.hasPrefix("/") && !path.split(separator: "/").contains { $0.hasPrefix(".") && $0 != "." }
        return isBelow && (path.hasSuffix(".yaml") || path.hasSuffix(".yml"))
    }
}

extension FolderSource {
    fileprivate init?(_ fields: inout FieldReader, _ problems: inout Problems) {
        let path = fields.required("path", located(Scalar.text), &problems)
        let types = fields.textTypes(&problems)
        guard let path else { return nil }
        self.init(path: path, types: types)
    }
}

extension FieldReader {
    mutating func textTypes(_ problems: inout Problems) -> TextTypes {
        optional("types", Scalar.choice(of: TextTypes.self), default: .text, &problems)
    }
}

extension DotenvNames {
    /// Of a document in another format nothing of it may be said.
    init(_ fields: inout FieldReader, of format: ConfigFormat?, _ type: SourceType, _ problems: inout Problems) {
        self.init()
        if let format, format != .dotenv {
            for field in ["prefix", "strip", "separator", "types"] {
                fields.refused(
                    field,
                    expected:
                        "a field of type \"\(type.rawValue)\" in dotenv, where names are those of variables: this one is in \(format.rawValue)",
                    remedy: "remove \(field)", &problems)
            }
            return
        }
        prefix = fields.optional("prefix", EnvironmentSource.prefix, default: "", &problems)
        isStripped = fields.optional("strip", Scalar.boolean, default: true, &problems)
        separator = fields.optional("separator", EnvironmentSource.separator, &problems)
        types = fields.textTypes(&problems)
    }
}

extension EnvironmentSource {
    fileprivate init?(_ fields: inout FieldReader, _ problems: inout Problems) {
        let prefix = fields.required("prefix", Self.prefix, &problems)
        let isStripped = fields.optional("strip", Scalar.boolean, default: true, &problems)
        let separator = fields.optional("separator", Self.separator, default: "_", &problems)
        let types = fields.textTypes(&problems)
        guard let prefix else { return nil }
        self.init(prefix: prefix, isStripped: isStripped, separator: separator, types: types)
    }

    /// The beginning of a variable's name (POSIX.1-2024, Base Definitions § 8.1), in letters of either case.
    fileprivate static func prefix(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = Scalar.text(node, &problems) else { return nil }
        let isName = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isName, text.utf8.count <= 256, !text.utf8.first!.isASCIIDigit else {
            problems.report(
                .invalidValue, node,
                expected: "the beginning of a variable's name: 256 letters, digits and \"_\" at most, no digit first",
                remedy: text.hasSuffix("*") ? "remove the \"*\"" : "write it as the variables begin: \"APP_\"")
            return nil
        }
        return text
    }

    fileprivate static func separator(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = Scalar.text(node, &problems) else { return nil }
        guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ $0 == UInt8(ascii: "_") }) else {
            problems.report(
                .invalidValue, node, expected: "\"_\", or two to four of them: names of variables have nothing else",
                remedy: "write \"_\", or \"__\" where keys hold \"_\"")
            return nil
        }
        return text
    }
}

extension UInt8 {
    fileprivate var isASCIIDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}
