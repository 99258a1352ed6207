import Diagnostics
import YAMLSyntax

extension HTTPRoute {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: "HTTPRoute", &problems) else { return nil }
        let namespace = metadata.name.namespace
        let parents = ParentRef.list(in: &fields, namespace: namespace, &problems)
        let hostnames = fields.list("hostnames", located(Scalar.hostnamePattern), &problems)
        var index = 0
        var rules = fields.list(
            "rules",
            { node, problems in
                defer { index += 1 }
                return HTTPRouteRule.decode(node, index: index, namespace: namespace, &problems)
            }, &problems)
        fields.unavailable("useDefaultGateways", &problems)
        fields.reportUnknownFields(&problems)
        if rules.isEmpty {
            rules = [
                HTTPRouteRule(
                    name: nil, matches: [.everything], filters: [], backendRefs: [], timeouts: HTTPRouteTimeouts(),
                    position: Located(0, at: metadata.position))
            ]
        }
        self.init(metadata: metadata, parentRefs: parents, hostnames: hostnames, rules: rules)
    }
}

extension HTTPRouteRule {
    fileprivate static func decode(
        _ node: YAMLNode, index: Int, namespace: String, _ problems: inout Problems
    ) -> HTTPRouteRule? {
        guard var fields = node.fields(of: "a rule", &problems) else { return nil }
        let name = fields.optional("name", Scalar.text, &problems)
        var matches = fields.list("matches", HTTPRouteMatch.decode, &problems)
        if matches.isEmpty { matches = [.everything] }
        let hasOnlyPrefixes = matches.allSatisfy { match in
            if case .prefix = match.path { true } else { false }
        }
        let context = FilterContext(namespace: namespace, isOfBackend: false, hasOnlyPrefixes: hasOnlyPrefixes)
        let filters = context.filters(in: &fields, &problems)
        let backendContext = FilterContext(namespace: namespace, isOfBackend: true, hasOnlyPrefixes: hasOnlyPrefixes)
        let backends = fields.list("backendRefs", { HTTPBackendRef.decode($0, backendContext, &$1) }, &problems)
        let timeouts = fields.optional(
            "timeouts", HTTPRouteTimeouts.decode, default: HTTPRouteTimeouts(), &problems)
        fields.unavailable("retry", &problems)
        fields.unavailable("sessionPersistence", &problems)
        fields.reportUnknownFields(&problems)

        let redirects = filters.contains { if case .requestRedirect = $0 { true } else { false } }
        if redirects, fields.has("backendRefs") {
            problems.report(
                .conflictingFields, at: fields.keyPosition("backendRefs"), found: "backendRefs beside RequestRedirect",
                expected: "one of the two: a request that is redirected reaches no backend",
                remedy: "remove backendRefs, or the RequestRedirect filter")
        }
        return HTTPRouteRule(
            name: name, matches: matches, filters: filters, backendRefs: backends, timeouts: timeouts,
            position: Located(index, at: node.position))
    }
}

extension HTTPRouteMatch {
    /// PathPrefix `/`: Gateway API's default.
    package static let everything = HTTPRouteMatch(path: .prefix("/"), headers: [], queryParams: [], method: nil)

    private enum PathType: String, CaseIterable {
        case exact = "Exact"
        case pathPrefix = "PathPrefix"
    }

    private enum ValueType: String, CaseIterable {
        case exact = "Exact"
    }

    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> HTTPRouteMatch? {
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
            "type", Scalar.choice(of: PathType.self, unavailable: ["RegularExpression"]), default: .pathPrefix,
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
        _ = fields.optional("type", Scalar.choice(of: ValueType.self, unavailable: ["RegularExpression"]), &problems)
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

extension HTTPBackendRef {
    static func decode(
        _ node: YAMLNode, _ context: FilterContext, _ problems: inout Problems
    ) -> HTTPBackendRef? {
        guard var fields = node.fields(of: "a backendRef", &problems) else { return nil }
        let reference = ObjectReference(&fields, namespace: context.namespace, &problems)
        // Gateway API wants a port here. A Service of Heddle has none: its workloads say where they listen.
        _ = fields.optional("port", Scalar.port, &problems)
        let weight = fields.optional("weight", Scalar.integer(in: 0...1_000_000, ""), default: 1, &problems)
        let filters = context.filters(in: &fields, &problems)
        fields.reportUnknownFields(&problems)
        guard let reference, reference.checkIsService(&problems) else { return nil }
        return HTTPBackendRef(service: reference.name, weight: weight, filters: filters)
    }
}

extension HTTPRouteTimeouts {
    static func decode(_ node: YAMLNode, _ problems: inout Problems) -> HTTPRouteTimeouts? {
        guard var fields = node.fields(of: "timeouts", &problems) else { return nil }
        let range = Duration.milliseconds(1)...Duration.seconds(24 * 3600)
        let request = fields.optional("request", Scalar.duration(in: range, allowsZero: true), &problems)
        let backend = fields.optional("backendRequest", Scalar.duration(in: range, allowsZero: true), &problems)
        fields.reportUnknownFields(&problems)
        if let request, let backend, request > .zero, backend > request {
            problems.report(
                .conflictingFields, at: fields.keyPosition("backendRequest"),
                found: "backendRequest \(backend.manifestText) over request \(request.manifestText)",
                expected: "a try that ends no later than the whole request",
                remedy: "lower backendRequest, or raise request")
        }
        return HTTPRouteTimeouts(request: request, backendRequest: backend)
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
