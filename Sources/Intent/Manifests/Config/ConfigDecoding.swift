import ConfigValues
import Diagnostics
import YAMLSyntax

extension Config {
    /// Sources, merge keys, fallbacks and projections of one Config, each.
    private static let maximumCount = 100

    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "Config", &problems) else { return nil }
        let namespace = metadata.name.namespace
        let sources = fields.requiredList(
            "sources", located { Scalar.resourceName($0, namespace: namespace, &$1) }, &problems)
        let mergeKeys = fields.list("mergeKeys", MergeKey.decode, &problems)
        let defaults = fields.optional("defaults", ConfigTree(layer: "defaults").map, &problems)
        let fallbacks = fields.list("fallbacks", Fallback.decode, &problems)
        let schema = Self.schema(&fields, &problems)
        let projections = fields.list(
            "project", { ConfigProjection.decode($0, namespace: namespace, &$1) }, &problems)
        let pinned = fields.optional("pinned", Self.pinned, &problems)
        fields.reportUnknownFields(&problems)

        Self.checkOnce(sources, "the ConfigSource", &problems) { "\($0)" }
        Self.checkOnce(mergeKeys.map(\.path), "the path", &problems, \.dotted)
        Self.checkOnce(fallbacks.map(\.path), "the path", &problems, \.dotted)
        Self.checkOnce(projections.map(\.path), "the file", &problems) { $0 }
        for (name, count) in [
            ("sources", sources.count), ("mergeKeys", mergeKeys.count), ("fallbacks", fallbacks.count),
            ("project", projections.count),
        ] where count > Self.maximumCount {
            problems.report(
                .outOfRange, at: fields.keyPosition(name), found: "\(count) items",
                expected: "at most \(Self.maximumCount)", remedy: "make several Configs of it")
        }
        self.init(
            metadata: metadata, sources: sources, mergeKeys: mergeKeys, defaults: defaults, fallbacks: fallbacks,
            schema: schema, projections: projections, pinnedRevision: pinned)
    }

    private static func schema(_ fields: inout FieldReader, _ problems: inout Problems) -> Schema? {
        let inline = fields.optional("schema", ConfigTree(layer: "schema").map, &problems)
        let file = fields.optional("schemaFile", located(Scalar.text), &problems)
        if fields.has("schema"), fields.has("schemaFile") {
            problems.report(
                .conflictingFields, at: fields.keyPosition("schemaFile"), found: "schemaFile beside schema",
                expected: "one schema", remedy: "remove one of them, or let one refer to the other with $ref")
        }
        return inline.map(Schema.inline) ?? file.map(Schema.file)
    }

    /// `pinned: {revision: 0123456789ab}`.
    private static func pinned(_ node: YAMLNode, _ problems: inout Problems) -> Located<String>? {
        guard var fields = node.fields(of: "pinned", &problems) else { return nil }
        let revision = fields.required("revision", located(revision), &problems)
        fields.reportUnknownFields(&problems)
        return revision
    }

    private static func revision(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = Scalar.text(node, &problems) else { return nil }
        let isHash = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        guard isHash, (12...64).contains(text.utf8.count) else {
            problems.report(
                .invalidValue, node, expected: "a revision: 12 to 64 hexadecimal digits in lower case",
                remedy: "write it as the node told it that had this value")
            return nil
        }
        return text
    }

    private static func checkOnce<Value>(
        _ items: [Located<Value>], _ what: String, _ problems: inout Problems, _ text: (Value) -> String
    ) {
        var lines: [Value: Int] = [:]
        for item in items {
            guard let line = lines.updateValue(item.position.line, forKey: item.value) else { continue }
            problems.report(
                .duplicateItem, at: item.position,
                found: "\(what) \(Diagnostic.quoted(text(item.value))) a second time", expected: "each one once",
                remedy: "remove it, or the one on line \(line)")
        }
    }
}

extension Config.MergeKey {
    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> Self? {
        guard var fields = node.fields(of: "an item of mergeKeys", &problems) else { return nil }
        let path = fields.required("path", located(Scalar.configPath), &problems)
        let key = fields.required("key", Scalar.text, &problems)
        fields.reportUnknownFields(&problems)
        guard let path, let key else { return nil }
        return Self(path: path, key: key)
    }
}

extension Config.Fallback {
    /// Paths that one value is taken from.
    private static let maximumCount = 16

    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> Self? {
        guard var fields = node.fields(of: "a fallback", &problems) else { return nil }
        let path = fields.required("path", located(Scalar.configPath), &problems)
        let from = fields.requiredList("from", located(Scalar.configPath), &problems)
        fields.reportUnknownFields(&problems)
        if from.count > maximumCount {
            problems.report(
                .outOfRange, at: fields.keyPosition("from"), found: "\(from.count) paths",
                expected: "at most \(maximumCount)", remedy: "name fewer")
        }
        guard let path else { return nil }
        let own = Diagnostic.quoted(path.value.dotted)
        for other in from where other.value.overlaps(path.value) {
            problems.report(
                .conflictingFields, at: other.position,
                found: "\(Diagnostic.quoted(other.value.dotted)) as a fallback of \(own)",
                expected: "another value: of these two one is part of the other, or both are the same",
                remedy: "name a path that is apart from it")
        }
        return from.isEmpty ? nil : Self(path: path, from: from)
    }
}

extension ConfigPath {
    /// One of the two is the other, or leads to it.
    fileprivate func overlaps(_ other: ConfigPath) -> Bool {
        zip(keys, other.keys).allSatisfy { $0.hasSameBytes(as: $1) }
    }
}
