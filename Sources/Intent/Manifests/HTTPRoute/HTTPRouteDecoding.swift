import Diagnostics
import YAMLSyntax

extension HTTPRoute {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard let fields = CallRouteFields<HTTPRouteMatch>(metadata, spec, &problems) else { return nil }
        self.init(
            metadata: metadata, parentRefs: fields.parentRefs, hostnames: fields.hostnames, rules: fields.rules)
    }
}

extension HTTPRouteMatch: CallRouteMatch {
    static let routeKind = ResourceKind.httpRoute
    static let matchesByDefault = [everything]

    /// PathPrefix `/`: Gateway API's default.
    package static let everything = HTTPRouteMatch(path: .prefix("/"), headers: [], queryParams: [], method: nil)

    private enum PathType: String, CaseIterable {
        case exact = "Exact"
        case pathPrefix = "PathPrefix"
    }

    private enum ValueType: String, CaseIterable {
        case exact = "Exact"
    }

    var isPathPrefix: Bool {
        if case .prefix = path { true } else { false }
    }

    static func decode(_ node: YAMLNode, _ problems: inout Problems) -> HTTPRouteMatch? {
        guard var fields = node.fields(of: "a match", &problems) else { return nil }
        let path = fields.optional("path", Self.path, default: .prefix("/"), &problems)
        let headers = Self.headers(in: &fields, &problems)
        let parameters = fields.list(
            "queryParams",
            { Self.pair($0, "a query parameter match", Self.parameterName, Scalar.possiblyEmptyText, &$1) },
            &problems)
        let method = fields.optional("method", Scalar.method, &problems)
        fields.reportUnknownFields(&problems)
        return HTTPRouteMatch(
            path: path, headers: headers, queryParams: NameValue.unique(parameters, "query parameter", &problems),
            method: method)
    }

    /// The header matches of an HTTPRoute or GRPCRoute.
    static func headers(in fields: inout FieldReader, _ problems: inout Problems) -> [NameValue] {
        let headers = fields.list(
            "headers", { Self.pair($0, "a header match", Scalar.headerName, Scalar.headerValue, &$1) }, &problems)
        return NameValue.unique(headers, "header", &problems)
    }

    private static func path(_ node: YAMLNode, _ problems: inout Problems) -> Path? {
        guard var fields = node.fields(of: "path", &problems) else { return nil }
        let type = fields.optional(
            "type",
            Scalar.choice(
                of: PathType.self, unavailable: ["RegularExpression": "match it by \"Exact\" or \"PathPrefix\""]),
            default: .pathPrefix,
            &problems)
        let value = fields.optional("value", Scalar.path, default: "/", &problems)
        fields.reportUnknownFields(&problems)
        switch type {
        case .exact: return .exact(value)
        case .pathPrefix: return .prefix(value.count > 1 && value.hasSuffix("/") ? String(value.dropLast()) : value)
        }
    }

    private static func pair(
        _ node: YAMLNode, _ owner: String, _ readName: Reading<String>, _ readValue: Reading<String>,
        _ problems: inout Problems
    ) -> Located<NameValue>? {
        guard var fields = node.fields(of: owner, &problems) else { return nil }
        _ = fields.optional(
            "type", Scalar.choice(of: ValueType.self, unavailable: ["RegularExpression": "match it by \"Exact\""]),
            &problems)
        let name = fields.required("name", readName, &problems)
        let value = fields.required("value", readValue, &problems)
        fields.reportUnknownFields(&problems)
        guard let name, let value else { return nil }
        return Located(NameValue(name: name, value: value), at: node.position)
    }

    private static func parameterName(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = Scalar.text(node, &problems) else { return nil }
        if text.utf8.count <= 256 { return text }
        problems.report(.outOfRange, node, expected: "a name of at most 256 bytes", remedy: "shorten it")
        return nil
    }
}

extension NameValue {
    /// Without those whose name is there already, which are reported: all of a list must hold, and no request has one
    /// name with two values here.
    static func unique(
        _ pairs: [Located<NameValue>], _ what: String, _ problems: inout Problems
    ) -> [NameValue] {
        var seen: Set<String> = []
        return pairs.filter { pair in
            if seen.insert(pair.value.name).inserted { return true }
            problems.report(
                .duplicateItem, at: pair.position,
                found: "the \(what) \(Diagnostic.quoted(pair.value.name)) a second time",
                expected: "each name once in a list", remedy: "remove one of the two")
            return false
        }.map(\.value)
    }
}

extension Scalar {
    /// A path in canonical form.
    static func path(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = text(node, &problems) else { return nil }
        do throws(ManifestPath.Refusal) {
            return try ManifestPath.canonical(text)
        } catch {
            problems.report(.invalidValue, node, expected: "a path that a request can have", remedy: error.remedy)
            return nil
        }
    }
}
