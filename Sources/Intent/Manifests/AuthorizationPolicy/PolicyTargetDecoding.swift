import Diagnostics
import YAMLSyntax

extension PolicyTargets {
    /// One item of `targetRefs`.
    private struct Item {
        let kind: ResourceKind
        let name: Located<String>
        let position: SourcePosition
    }

    /// Kinds of what Heddle answers for itself.
    private static let resourceKinds: [ResourceKind] = [.config]

    static func decode(_ fields: inout FieldReader, namespace: String, _ problems: inout Problems) -> PolicyTargets {
        let items = fields.list(
            "targetRefs", emptyMeans: "a policy for every service of the namespace",
            { item($0, namespace: namespace, &$1) }, &problems)
        // What was to be named and cannot be read is no more than that: never all of the namespace.
        guard let first = items.first else { return fields.has("targetRefs") ? .services([]) : .namespace }
        if let other = items.first(where: { $0.kind != first.kind }) {
            problems.report(
                .conflictingFields, at: other.position,
                found: "a \(other.kind.rawValue) beside a \(first.kind.rawValue) in targetRefs",
                expected: "targets of one kind: paths of a Config are those below it",
                remedy: "write a policy for each of the two")
        }
        let names = items.filter { $0.kind == first.kind }.map(\.name)
        return first.kind == .service ? .services(names) : .resources(first.kind, names)
    }

    private static func item(_ node: YAMLNode, namespace: String, _ problems: inout Problems) -> Item? {
        guard var fields = node.fields(of: "a targetRef", isOfPolicy: true, &problems) else { return nil }
        let reference = ObjectReference(&fields, namespace: namespace, &problems)
        fields.reportUnknownFields(&problems)
        guard let reference else { return nil }
        if let kind = resourceKinds.first(where: { $0.rawValue == reference.kind?.value }) {
            return reference.nameOfPolicy(kind, in: namespace, fields, &problems)
                .map { Item(kind: kind, name: $0, position: node.position) }
        }
        return reference.serviceOfPolicy(in: namespace, fields, or: .config, &problems)
            .map { Item(kind: .service, name: $0, position: node.position) }
    }
}

// MARK: What rules can say of a resource

extension [PolicyRule] {
    /// Reports what no call to a resource that Heddle answers for itself can be asked for: there it would match nothing, or all.
    func reportWhatIsNever(of kind: ResourceKind, _ problems: inout Problems) {
        for operation in lazy.flatMap(\.to) {
            reportPlace("hosts", operation.hosts, of: kind, &problems)
            reportPlace("ports", operation.ports, of: kind, &problems)
            for path in operation.paths.values + operation.paths.notValues where !path.value.isBelowConfig {
                problems.report(
                    .invalidValue, at: path.position, found: "a path that no call to a Config has",
                    expected: "one below it: \"/values\" or \"/watch\", or what follows \"/values/\"",
                    remedy: "write what follows the Config's name in the path of a call: \"/values/{**}\"")
            }
        }
        for rule in self {
            for condition in rule.when where condition.key.isOfPlace {
                problems.report(
                    .conflictingFields, at: condition.position,
                    found: "where a call goes, in a rule of a \(kind.rawValue)",
                    expected: "what calls to it differ in: it is asked for at one host, which is no workload's",
                    remedy: "say it by callers, methods and paths")
            }
        }
    }

    private func reportPlace<Value>(
        _ field: String, _ match: ValueMatch<Value>, of kind: ResourceKind, _ problems: inout Problems
    ) {
        let written = [(field, match.values.first), (not(field), match.notValues.first)]
        for (name, value) in written {
            guard let position = value?.position else { continue }
            problems.report(
                .conflictingFields, at: position, found: "\(name) in a rule of a \(kind.rawValue)",
                expected: "methods and paths: it is asked for at one host and port, which are no workload's",
                remedy: "say it by callers, methods and paths")
        }
    }

    private func not(_ field: String) -> String { "not" + field.prefix(1).uppercased() + field.dropFirst() }
}

extension ConditionKey {
    /// It is about where a call goes.
    fileprivate var isOfPlace: Bool {
        switch self {
        case .destinationIP, .destinationPort, .connectionSNI, .requestHeader("host"): true
        case .requestHeader, .sourceIP, .sourceNamespace, .sourcePrincipal: false
        }
    }
}

extension PathPattern {
    /// Some path of what is asked of a Config matches: `/values`, one below it, or `/watch`.
    fileprivate var isBelowConfig: Bool {
        switch self {
        case .string(.present), .string(.suffix): true
        case .string(.exact(let path)): ["/values", "/watch"].contains(path) || path.hasPrefix("/values/")
        case .string(.prefix(let text)):
            text.hasPrefix("/values/") || "/values/".hasPrefix(text) || "/watch".hasPrefix(text)
        case .template(let segments, let matchesRest):
            switch segments.first {
            case nil: matchesRest
            case .any?, .literal("values")?: true
            case .literal("watch")?: segments.count == 1
            case .literal?: false
            }
        }
    }
}
