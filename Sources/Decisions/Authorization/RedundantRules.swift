import Diagnostics
import Manifests

/// Rules that another rule of the same action and service makes superfluous: one that says the same, or one that asks for
/// less of what this one asks for (no source, no operation, no condition, or none of these). What is in Shadow is compared with what is
/// in Shadow: beside a rule that is enforced it says which calls it would be about in its place. AUDIT counts by policy, so that what
/// two of them match is told of each.
enum RedundantRules {
    /// Looks that one check takes at Services which stand in several lists of targets, one look a list, for rules that
    /// no rule of the same targets or of all the namespace covers. Past it such rules are not told. All else takes time
    /// in proportion to the rules and the targets.
    static let maximumLooks = 1_000_000

    /// - Parameter policies: For targets of one kind.
    static func check(_ policies: [AuthorizationPolicy], looks: Int = maximumLooks, _ found: inout [Diagnostic]) {
        let policies = policies.filter { $0.action != .audit }
        var catalogue = Catalogue(looksLeft: looks)
        let entries = policies.map { catalogue.add($0) }
        for (policy, entry) in zip(policies, entries) {
            for (rule, item) in zip(policy.rules, entry.items) {
                guard let number = catalogue.ruleCovering(item, of: policy, entry.scopes) else { continue }
                let other = catalogue.positions[number]
                found.append(
                    Diagnostic(
                        .redundantRule, .warning, at: rule.position.position,
                        found: "a rule that changes nothing: \(other) already matches every call that it matches",
                        expected: "rules that each add something",
                        remedy: "remove this rule, or narrow the one at \(other)"))
            }
        }
    }

    /// The parts of a rule, by number: equal parts have equal numbers, and 0 asks for nothing.
    private struct Shape: Hashable {
        var from: Int
        var to: Int
        var when: Int

        /// This one, and those that ask for less.
        var covering: [Shape] {
            // Every choice of parts to leave out; one that leaves out what is not there has been tried without it.
            (0..<8).compactMap { omitted -> Shape? in
                if omitted & 1 != 0, from == 0 { return nil }
                if omitted & 2 != 0, to == 0 { return nil }
                if omitted & 4 != 0, when == 0 { return nil }
                return Shape(
                    from: omitted & 1 != 0 ? 0 : from, to: omitted & 2 != 0 ? 0 : to,
                    when: omitted & 4 != 0 ? 0 : when)
            }
        }
    }

    /// A rule, as far as others are compared with it.
    private struct Item {
        /// By the order of policies and their rules.
        let number: Int
        let shape: Shape
    }

    private struct Entry {
        let scopes: Scopes
        let items: [Item]
    }

    /// What the rules of a policy are for.
    private struct Scopes {
        /// The number of its list of targets, or of all of the namespace.
        let own: Int
        /// The number for all of the namespace, where `own` is not that.
        let namespace: Int?
    }

    /// Policies with the same targets have one, so that neither rules nor targets are multiplied by each other.
    private struct ScopeName: Hashable {
        let namespace: String
        /// Empty: all of the namespace's.
        let services: Set<String>
        let action: PolicyAction
        let mode: PolicyMode
    }

    private struct ServiceName: Hashable {
        let namespace: String
        let service: String
        let action: PolicyAction
        let mode: PolicyMode
    }

    private struct Place: Hashable {
        let scope: Int
        let shape: Shape
    }

    private struct Catalogue {
        private var scopes: [ScopeName: Int] = [:]
        /// The lists of targets that a service stands in.
        private var scopesByService: [ServiceName: [Int]] = [:]
        private var sources: [Set<SourceForm>: Int] = [:]
        private var operations: [Set<OperationForm>: Int] = [:]
        private var conditions: [Set<ConditionForm>: Int] = [:]
        /// The first rule of each shape.
        private var rules: [Place: Int] = [:]
        /// Of every rule, by number.
        private(set) var positions: [SourcePosition] = []
        private var looksLeft: Int

        init(looksLeft: Int) { self.looksLeft = looksLeft }

        mutating func add(_ policy: AuthorizationPolicy) -> Entry {
            let namespace = number([], policy)
            let own = number(Set(policy.targets.names.lazy.map(\.value)), policy)
            let items = policy.rules.map { add($0, in: own) }
            return Entry(scopes: Scopes(own: own, namespace: own == namespace ? nil : namespace), items: items)
        }

        private mutating func number(_ services: Set<String>, _ policy: AuthorizationPolicy) -> Int {
            let namespace = policy.metadata.name.namespace
            let name = ScopeName(namespace: namespace, services: services, action: policy.action, mode: policy.mode)
            if let number = scopes[name] { return number }
            let number = scopes.count
            scopes[name] = number
            for service in services {
                let name = ServiceName(
                    namespace: namespace, service: service, action: policy.action, mode: policy.mode)
                scopesByService[name, default: []].append(number)
            }
            return number
        }

        private mutating func add(_ rule: PolicyRule, in scope: Int) -> Item {
            let item = Item(
                number: positions.count,
                shape: Shape(
                    from: Self.number(rule.from.lazy.map(SourceForm.init), in: &sources),
                    to: Self.number(rule.to.lazy.map(OperationForm.init), in: &operations),
                    when: Self.number(rule.when.lazy.map(ConditionForm.init), in: &conditions)))
            positions.append(rule.position.position)
            let place = Place(scope: scope, shape: item.shape)
            if rules[place] == nil { rules[place] = item.number }
            return item
        }

        private static func number<Key: Hashable>(
            _ parts: some Collection<Key>, in numbers: inout [Set<Key>: Int]
        ) -> Int {
            if parts.isEmpty { return 0 }
            let key = Set(parts)
            if let number = numbers[key] { return number }
            numbers[key] = numbers.count + 1
            return numbers.count
        }

        /// - Returns: the number of a rule that covers this one for each service of its policy.
        mutating func ruleCovering(_ item: Item, of policy: AuthorizationPolicy, _ scopes: Scopes) -> Int? {
            let shapes = item.shape.covering
            if let namespace = scopes.namespace, let found = first(of: shapes, in: [namespace], besides: item) {
                return found
            }
            if let found = first(of: shapes, in: [scopes.own], besides: item) { return found }
            return ruleCoveringEach(item, shapes, of: policy)
        }

        /// By other lists of targets, of which none need have all that this policy has.
        private mutating func ruleCoveringEach(
            _ item: Item, _ shapes: [Shape], of policy: AuthorizationPolicy
        ) -> Int? {
            var covering: Int?
            for target in policy.targets.names {
                let name = ServiceName(
                    namespace: policy.metadata.name.namespace, service: target.value, action: policy.action,
                    mode: policy.mode)
                let lists = scopesByService[name, default: []]
                // Its own one alone has been looked at.
                guard lists.count > 1, lists.count <= looksLeft else { return nil }
                looksLeft -= lists.count
                guard let found = first(of: shapes, in: lists, besides: item) else { return nil }
                covering = found
            }
            return covering
        }

        private func first(of shapes: [Shape], in scopes: [Int], besides item: Item) -> Int? {
            for shape in shapes {
                var first: Int?
                for scope in scopes {
                    guard let number = rules[Place(scope: scope, shape: shape)] else { continue }
                    first = min(first ?? number, number)
                }
                // The first of several rules that say the same is the one on record, and stays.
                if let first, first != item.number { return first }
            }
            return nil
        }
    }
}

// MARK: Forms in which parts that mean the same are equal

/// Values in no order, each once, wherever they stand.
private struct Values<Pattern: Hashable & Sendable>: Hashable {
    private let values: Set<Pattern>
    private let notValues: Set<Pattern>

    init(_ match: ValueMatch<Pattern>) {
        values = Set(match.values.lazy.map(\.value))
        notValues = Set(match.notValues.lazy.map(\.value))
    }
}

private struct SourceForm: Hashable {
    private let principals, namespaces, trustDomains, requestPrincipals: Values<StringPattern>
    private let serviceAccounts: Values<ResourceName>
    private let ipBlocks, remoteIpBlocks: Values<AddressBlock>

    init(_ source: PolicySource) {
        principals = Values(source.principals)
        namespaces = Values(source.namespaces)
        trustDomains = Values(source.trustDomains)
        requestPrincipals = Values(source.requestPrincipals)
        serviceAccounts = Values(source.serviceAccounts)
        ipBlocks = Values(source.ipBlocks)
        remoteIpBlocks = Values(source.remoteIpBlocks)
    }
}

private struct OperationForm: Hashable {
    private let hosts, methods: Values<StringPattern>
    private let ports: Values<UInt16>
    private let paths: Values<PathPattern>

    init(_ operation: PolicyOperation) {
        hosts = Values(operation.hosts)
        methods = Values(operation.methods)
        ports = Values(operation.ports)
        paths = Values(operation.paths)
    }
}

private struct ConditionForm: Hashable {
    private let key: ConditionKey
    private let strings: Values<StringPattern>
    private let blocks: Values<AddressBlock>
    private let ports: Values<UInt16>

    init(_ condition: PolicyCondition) {
        key = condition.key
        strings = Values(condition.strings)
        blocks = Values(condition.blocks)
        ports = Values(condition.ports)
    }
}
