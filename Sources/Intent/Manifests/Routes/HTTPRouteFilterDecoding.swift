import Diagnostics
import YAMLSyntax

/// Where a filter stands, as far as it decides what the filter may be.
struct FilterContext {
    /// The route's: references default to it.
    let namespace: String
    /// Calls of a GRPCRoute are neither redirected nor rewritten.
    let routeKind: ResourceKind
    /// Whether every match of the rule is a PathPrefix.
    let hasOnlyPrefixes: Bool
    /// Whether it stands in a backendRef, not in a rule.
    var isOfBackend = false

    private enum FilterType: String, CaseIterable {
        case requestHeaderModifier = "RequestHeaderModifier"
        case responseHeaderModifier = "ResponseHeaderModifier"
        case requestRedirect = "RequestRedirect"
        case urlRewrite = "URLRewrite"
        case requestMirror = "RequestMirror"

        /// The field that holds the filter.
        var field: String {
            switch self {
            case .requestHeaderModifier: "requestHeaderModifier"
            case .responseHeaderModifier: "responseHeaderModifier"
            case .requestRedirect: "requestRedirect"
            case .urlRewrite: "urlRewrite"
            case .requestMirror: "requestMirror"
            }
        }
    }

    /// The filters of a rule or backendRef. Each type once, save RequestMirror; no URLRewrite beside a RequestRedirect.
    func filters(in fields: inout FieldReader, _ problems: inout Problems) -> [HTTPRouteFilter] {
        var seen: Set<FilterType> = []
        return fields.list(
            "filters",
            { node, problems in
                guard let (type, filter) = decode(node, &problems) else { return nil }
                if !seen.insert(type.value).inserted, type.value != .requestMirror {
                    problems.report(
                        .duplicateItem, at: type.position, found: "a second \(type.value.rawValue)",
                        expected: "each type of filter once, save RequestMirror", remedy: "merge the two into one")
                }
                if seen.isSuperset(of: [.requestRedirect, .urlRewrite]) && type.value != .requestMirror {
                    problems.report(
                        .conflictingFields, at: type.position, found: "RequestRedirect and URLRewrite together",
                        expected: "one of the two", remedy: "remove one of them")
                }
                return filter
            }, &problems)
    }

    private func decode(_ node: YAMLNode, _ problems: inout Problems) -> (Located<FilterType>, HTTPRouteFilter)? {
        guard var fields = node.fields(of: "a filter", &problems) else { return nil }
        let unavailable = [
            "ExtensionRef": "use one of the other types", "CORS": "let the workload answer for its origins",
            "ExternalAuth": "say in an AuthorizationPolicy who may call",
        ]
        let type = fields.required(
            "type", located(Scalar.choice(of: FilterType.self, unavailable: unavailable)), &problems)
        guard let type else { return nil }
        if routeKind == .grpcRoute, type.value == .requestRedirect || type.value == .urlRewrite {
            let names = [FilterType.requestHeaderModifier, .responseHeaderModifier, .requestMirror].map(\.rawValue)
            problems.report(
                .invalidValue, at: type.position, found: "\(type.value.rawValue) in a GRPCRoute",
                expected: "one of \(names.joined(separator: ", "))",
                remedy: "remove it, or make the route an HTTPRoute that matches the path \"/service/method\"")
            return nil
        }

        let filter: HTTPRouteFilter?
        let name = type.value.field
        switch type.value {
        case .requestHeaderModifier:
            filter = fields.required(name, HeaderModifier.decode, &problems).map(HTTPRouteFilter.requestHeaderModifier)
        case .responseHeaderModifier:
            filter = fields.required(name, HeaderModifier.decode, &problems).map(HTTPRouteFilter.responseHeaderModifier)
        case .requestRedirect: filter = fields.required(name, redirect, &problems).map(HTTPRouteFilter.requestRedirect)
        case .urlRewrite: filter = fields.required(name, rewrite, &problems).map(HTTPRouteFilter.urlRewrite)
        case .requestMirror: filter = fields.required(name, mirror, &problems).map(HTTPRouteFilter.requestMirror)
        }
        for other in FilterType.allCases where other != type.value {
            fields.refused(
                other.field, expected: "only \(name), as type says",
                remedy: "move it to a filter of its own with type: \(other.rawValue)", &problems)
        }
        fields.reportUnknownFields(&problems)
        if isOfBackend, type.value == .requestRedirect {
            problems.report(
                .conflictingFields, at: type.position, found: "RequestRedirect in a backendRef",
                expected: "it among the rule's filters: a request that is redirected reaches no backend",
                remedy: "move it to the rule's filters")
        }
        return filter.map { (type, $0) }
    }

    // MARK: Each filter

    private func redirect(_ node: YAMLNode, _ problems: inout Problems) -> RequestRedirect? {
        guard var fields = node.fields(of: "requestRedirect", &problems) else { return nil }
        let redirect = RequestRedirect(
            scheme: fields.optional("scheme", Scalar.choice(of: RequestRedirect.Scheme.self), &problems),
            hostname: fields.optional("hostname", Scalar.hostname, &problems),
            path: fields.optional("path", pathModifier, &problems),
            port: fields.optional("port", Scalar.port, &problems),
            statusCode: fields.optional("statusCode", Self.redirectStatus, default: 302, &problems))
        fields.reportUnknownFields(&problems)
        return redirect
    }

    private static func redirectStatus(_ node: YAMLNode, _ problems: inout Problems) -> Int? {
        guard let status = Scalar.integer(in: 100...599, "")(node, &problems) else { return nil }
        if [301, 302, 303, 307, 308].contains(status) { return status }
        problems.report(
            .invalidValue, node, expected: "301, 302, 303, 307 or 308",
            remedy: "choose 301 (permanent) or 302 (temporary)")
        return nil
    }

    private func rewrite(_ node: YAMLNode, _ problems: inout Problems) -> URLRewrite? {
        guard var fields = node.fields(of: "urlRewrite", &problems) else { return nil }
        let rewrite = URLRewrite(
            hostname: fields.optional("hostname", Scalar.hostname, &problems),
            path: fields.optional("path", pathModifier, &problems))
        fields.reportUnknownFields(&problems)
        if !fields.has("hostname") && !fields.has("path") {
            problems.report(
                .missingField, at: node.position, found: "a urlRewrite that changes nothing",
                expected: "hostname, path or both", remedy: "add hostname or path, or remove the filter")
        }
        return rewrite
    }

    private enum ModifierType: String, CaseIterable {
        case replaceFullPath = "ReplaceFullPath"
        case replacePrefixMatch = "ReplacePrefixMatch"
    }

    private func pathModifier(_ node: YAMLNode, _ problems: inout Problems) -> PathModifier? {
        guard var fields = node.fields(of: "path", &problems) else { return nil }
        defer { fields.reportUnknownFields(&problems) }
        guard let type = fields.required("type", located(Scalar.choice(of: ModifierType.self)), &problems) else {
            return nil
        }
        switch type.value {
        case .replaceFullPath:
            fields.refused(
                "replacePrefixMatch", expected: "replaceFullPath, as type says", remedy: "remove it, or change type",
                &problems)
            return fields.required("replaceFullPath", Scalar.path, &problems).map(PathModifier.replaceFullPath)
        case .replacePrefixMatch:
            fields.refused(
                "replaceFullPath", expected: "replacePrefixMatch, as type says", remedy: "remove it, or change type",
                &problems)
            if !hasOnlyPrefixes {
                problems.report(
                    .conflictingFields, at: type.position, found: "ReplacePrefixMatch in a rule with an Exact match",
                    expected: "PathPrefix in every match of the rule",
                    remedy: "use ReplaceFullPath, or move the Exact match to a rule of its own")
            }
            return fields.required("replacePrefixMatch", Self.prefixReplacement, &problems)
                .map(PathModifier.replacePrefixMatch)
        }
    }

    /// Empty stands for `/`, as in Gateway API.
    private static func prefixReplacement(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        if case .scalar(let scalar) = node.content, scalar.kind == .string, scalar.text.isEmpty { return "/" }
        return Scalar.path(node, &problems)
    }

    private func mirror(_ node: YAMLNode, _ problems: inout Problems) -> RequestMirror? {
        guard var fields = node.fields(of: "requestMirror", &problems) else { return nil }
        let backend = fields.required("backendRef", mirrorBackend, &problems)
        let percent = fields.optional("percent", Scalar.integer(in: 0...100, "percent"), &problems)
        let fraction = fields.optional("fraction", Self.fraction, &problems)
        fields.reportUnknownFields(&problems)
        if fields.has("percent") && fields.has("fraction") {
            problems.report(
                .conflictingFields, at: fields.keyPosition("fraction"), found: "percent and fraction together",
                expected: "one of the two", remedy: "remove one of them")
        }
        guard let backend else { return nil }
        let share = fraction ?? (percent ?? 100, 100)
        return RequestMirror(backend: backend, numerator: share.0, denominator: share.1)
    }

    private func mirrorBackend(_ node: YAMLNode, _ problems: inout Problems) -> Located<ResourceName>? {
        guard var fields = node.fields(of: "backendRef", &problems) else { return nil }
        defer { fields.reportUnknownFields(&problems) }
        return ObjectReference.backend(in: &fields, namespace: namespace, &problems)
    }

    private static func fraction(_ node: YAMLNode, _ problems: inout Problems) -> (Int, Int)? {
        guard var fields = node.fields(of: "fraction", &problems) else { return nil }
        let numerator = fields.required("numerator", Scalar.integer(in: 0...1_000_000_000, ""), &problems)
        let denominator = fields.optional(
            "denominator", Scalar.integer(in: 1...1_000_000_000, ""), default: 100, &problems)
        fields.reportUnknownFields(&problems)
        guard let numerator else { return nil }
        guard numerator <= denominator else {
            problems.report(
                .outOfRange, at: fields.keyPosition("numerator"), found: "\(numerator) of \(denominator)",
                expected: "a numerator of at most the denominator", remedy: "lower numerator, or raise denominator")
            return nil
        }
        return (numerator, denominator)
    }
}

extension HeaderModifier {
    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> HeaderModifier? {
        guard var fields = node.fields(of: "a header modifier", &problems) else { return nil }
        let set = fields.list("set", Self.pair, &problems)
        let add = fields.list("add", Self.pair, &problems)
        let remove = fields.list(
            "remove",
            { node, problems in
                Scalar.modifiableHeaderName(node, &problems).map {
                    Located(NameValue(name: $0, value: ""), at: node.position)
                }
            }, &problems)
        fields.reportUnknownFields(&problems)
        return HeaderModifier(
            set: NameValue.unique(set, "header", &problems), add: NameValue.unique(add, "header", &problems),
            remove: NameValue.unique(remove, "header", &problems).map(\.name))
    }

    private static func pair(_ node: YAMLNode, _ problems: inout Problems) -> Located<NameValue>? {
        guard var fields = node.fields(of: "a header", &problems) else { return nil }
        let name = fields.required("name", Scalar.modifiableHeaderName, &problems)
        let value = fields.required("value", Scalar.headerValue, &problems)
        fields.reportUnknownFields(&problems)
        guard let name, let value else { return nil }
        return Located(NameValue(name: name, value: value), at: node.position)
    }
}
