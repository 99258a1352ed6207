import Diagnostics
import Manifests

/// Rules that another rule of the same action and service makes superfluous: one that says the same, or one that asks for
/// less of what this one asks for (no source, no operation, no condition, or none of these).
enum RedundantRules {
    static func check(_ policies: [AuthorizationPolicy], _ found: inout [Diagnostic]) {
        var catalogue = Catalogue()
        let scopes = policies.map { catalogue.scopes(of: $0) }
        var shapes: [Shape] = []
        for (policy, scopes) in zip(policies, scopes) {
            for rule in policy.rules { shapes.append(catalogue.add(rule, in: scopes)) }
        }
        var next = shapes.makeIterator()
        for (policy, scopes) in zip(policies, scopes) {
            for rule in policy.rules {
                guard let shape = next.next(), let other = catalogue.ruleCovering(rule, shape, in: scopes) else {
                    continue
                }
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
    }

    /// What the rules of a policy are for.
    private struct Scopes {
        /// A number each service, or one for all of the namespace.
        let own: [Int]
        /// The number for all of the namespace, where `own` is not that.
        let namespace: Int?
    }

    private struct ScopeName: Hashable {
        let namespace: String
        /// `nil`: all of the namespace's.
        let service: String?
        let action: PolicyAction
    }

    private struct Place: Hashable {
        let scope: Int
        let shape: Shape
    }

    private struct Catalogue {
        private var scopes: [ScopeName: Int] = [:]
        private var sources: [Set<PolicySource>: Int] = [:]
        private var operations: [Set<PolicyOperation>: Int] = [:]
        private var conditions: [Set<PolicyCondition>: Int] = [:]
        /// The first rule of each shape.
        private var rules: [Place: SourcePosition] = [:]

        mutating func scopes(of policy: AuthorizationPolicy) -> Scopes {
            let namespace = number(service: nil, policy)
            if policy.targetServices.isEmpty { return Scopes(own: [namespace], namespace: nil) }
            return Scopes(own: policy.targetServices.map { number(service: $0.value, policy) }, namespace: namespace)
        }

        private mutating func number(service: String?, _ policy: AuthorizationPolicy) -> Int {
            let name = ScopeName(
                namespace: policy.metadata.name.namespace, service: service, action: policy.action)
            if let number = scopes[name] { return number }
            scopes[name] = scopes.count
            return scopes.count - 1
        }

        mutating func add(_ rule: PolicyRule, in scopes: Scopes) -> Shape {
            let shape = Shape(
                from: Self.number(rule.from, \.normalized, in: &sources),
                to: Self.number(rule.to, \.normalized, in: &operations),
                when: Self.number(rule.when, \.normalized, in: &conditions))
            for scope in scopes.own {
                let place = Place(scope: scope, shape: shape)
                if rules[place] == nil { rules[place] = rule.position.position }
            }
            return shape
        }

        /// - Returns: where a rule stands that covers this one for each service of its policy.
        func ruleCovering(_ rule: PolicyRule, _ shape: Shape, in scopes: Scopes) -> SourcePosition? {
            if let namespace = scopes.namespace, let found = ruleCovering(rule, shape, inScope: namespace) {
                return found
            }
            var covering: SourcePosition?
            for scope in scopes.own {
                guard let found = ruleCovering(rule, shape, inScope: scope) else { return nil }
                covering = found
            }
            return covering
        }

        private func ruleCovering(_ rule: PolicyRule, _ shape: Shape, inScope scope: Int) -> SourcePosition? {
            // Every choice of parts to leave out; one that leaves out what is not there has been tried without it.
            for omitted in 0..<8 {
                if omitted & 1 != 0, shape.from == 0 { continue }
                if omitted & 2 != 0, shape.to == 0 { continue }
                if omitted & 4 != 0, shape.when == 0 { continue }
                let wider = Shape(
                    from: omitted & 1 != 0 ? 0 : shape.from, to: omitted & 2 != 0 ? 0 : shape.to,
                    when: omitted & 4 != 0 ? 0 : shape.when)
                // The first of several rules that say the same is the one on record, and stays.
                if let position = rules[Place(scope: scope, shape: wider)], position != rule.position.position {
                    return position
                }
            }
            return nil
        }

        private static func number<Part: Hashable>(
            _ parts: [Part], _ normalized: (Part) -> Part, in numbers: inout [Set<Part>: Int]
        ) -> Int {
            if parts.isEmpty { return 0 }
            let key = Set(parts.lazy.map(normalized))
            if let number = numbers[key] { return number }
            numbers[key] = numbers.count + 1
            return numbers.count
        }
    }
}

// MARK: Forms in which parts that mean the same are equal

extension PolicySource {
    fileprivate var normalized: PolicySource {
        var source = self
        source.principals.normalize()
        source.serviceAccounts.normalize()
        source.namespaces.normalize()
        source.trustDomains.normalize()
        source.requestPrincipals.normalize()
        source.ipBlocks.normalize()
        source.remoteIpBlocks.normalize()
        return source
    }
}

extension PolicyOperation {
    fileprivate var normalized: PolicyOperation {
        var operation = self
        operation.hosts.normalize()
        operation.ports.normalize()
        operation.methods.normalize()
        operation.paths.normalize()
        return operation
    }
}

extension PolicyCondition {
    fileprivate var normalized: PolicyCondition {
        var condition = self
        condition.position = SourcePosition(file: "", line: 1, column: 1)
        condition.strings.normalize()
        condition.blocks.normalize()
        condition.ports.normalize()
        return condition
    }
}

extension ValueMatch {
    fileprivate mutating func normalize() {
        Self.normalize(&values)
        Self.normalize(&notValues)
    }

    private static func normalize(_ values: inout [Located<Pattern>]) {
        guard values.count > 1 else { return }
        values = Set(values).map { (value: $0, text: "\($0.value)") }.sorted { $0.text < $1.text }.map(\.value)
    }
}
