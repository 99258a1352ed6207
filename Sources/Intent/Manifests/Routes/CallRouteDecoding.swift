import Diagnostics
import YAMLSyntax

/// A match of an HTTPRoute or GRPCRoute, and what else of their rules depends on which it is.
protocol CallRouteMatch: Hashable, Sendable {
    static var routeKind: ResourceKind { get }
    /// What a rule without `matches` has.
    static var matchesByDefault: [Self] { get }
    /// A rule of such matches alone may replace the prefix.
    var isPathPrefix: Bool { get }

    static func decode(_ node: YAMLNode, _ problems: inout Problems) -> Self?
}

/// The `spec` of an HTTPRoute or GRPCRoute.
struct CallRouteFields<Match: CallRouteMatch> {
    let parentRefs: [ParentRef]
    let hostnames: [Located<HostnamePattern>]
    /// One at least: without `rules`, one that matches everything and has no backends.
    let rules: [CallRouteRule<Match>]

    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard var fields = spec.fields(of: Match.routeKind.rawValue, &problems) else { return nil }
        let namespace = metadata.name.namespace
        parentRefs = ParentRef.list(in: &fields, namespace: namespace, &problems)
        hostnames = fields.list("hostnames", located(Scalar.answeredPattern), &problems)
        var index = 0
        let rules = fields.list(
            "rules",
            { node, problems in
                defer { index += 1 }
                return CallRouteRule<Match>.decode(node, index: index, namespace: namespace, &problems)
            }, &problems)
        fields.unavailable("useDefaultGateways", &problems)
        fields.reportUnknownFields(&problems)
        let everything = CallRouteRule(
            name: nil, matches: Match.matchesByDefault, filters: [], backendRefs: [], timeouts: HTTPRouteTimeouts(),
            position: Located(0, at: metadata.position))
        self.rules = rules.isEmpty ? [everything] : rules
    }
}

extension CallRouteRule where Match: CallRouteMatch {
    fileprivate static func decode(
        _ node: YAMLNode, index: Int, namespace: String, _ problems: inout Problems
    ) -> CallRouteRule? {
        guard var fields = node.fields(of: "a rule", &problems) else { return nil }
        let name = fields.optional("name", Scalar.text, &problems)
        var matches = fields.list("matches", Match.decode, &problems)
        if matches.isEmpty { matches = Match.matchesByDefault }
        var context = FilterContext(
            namespace: namespace, routeKind: Match.routeKind, hasOnlyPrefixes: matches.allSatisfy(\.isPathPrefix))
        let filters = context.filters(in: &fields, &problems)
        context.isOfBackend = true
        let backends = fields.list("backendRefs", { HTTPBackendRef.decode($0, context, &$1) }, &problems)
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
        return CallRouteRule(
            name: name, matches: matches, filters: filters, backendRefs: backends, timeouts: timeouts,
            position: Located(index, at: node.position))
    }
}

extension HTTPBackendRef {
    static func decode(
        _ node: YAMLNode, _ context: FilterContext, _ problems: inout Problems
    ) -> HTTPBackendRef? {
        guard var fields = node.fields(of: "a backendRef", &problems) else { return nil }
        let service = ObjectReference.backend(in: &fields, namespace: context.namespace, &problems)
        let weight = fields.optional("weight", Scalar.integer(in: 0...1_000_000, ""), default: 1, &problems)
        let filters = context.filters(in: &fields, &problems)
        fields.reportUnknownFields(&problems)
        return service.map { HTTPBackendRef(service: $0, weight: weight, filters: filters) }
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
