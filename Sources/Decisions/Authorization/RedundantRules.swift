import Diagnostics
import Manifests

/// Rules that another rule of the same action and service makes superfluous: one that says the same, or one that asks for
/// less of what this one asks for (no source, no operation, no condition, or none of these).
enum RedundantRules {
    static func check(_ policies: [AuthorizationPolicy], _ found: inout [Diagnostic]) {
        var catalogue = Catalogue()
        var shapes: [[Shape]] = []
        for policy in policies {
            shapes.append(policy.rules.map { catalogue.add($0, of: policy) })
        }
        for (policy, policyShapes) in zip(policies, shapes) {
            for (rule, shape) in zip(policy.rules, policyShapes) {
                guard let other = catalogue.ruleCovering(rule, shape, of: policy) else { continue }
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

        /// What would cover a rule of this shape: itself, and everything that asks for fewer parts.
        var covering: [Shape] {
            var shapes: Set<Shape> = []
            for from in [from, 0] {
                for to in [to, 0] {
                    for when in [when, 0] { shapes.insert(Shape(from: from, to: to, when: when)) }
                }
            }
            return Array(shapes)
        }
    }

    private struct Place: Hashable {
        let namespace: String
        /// `nil`: all of the namespace's.
        let service: String?
        let action: PolicyAction
        let shape: Shape
    }

    private struct Catalogue {
        private var sources: [Set<PolicySource>: Int] = [[]: 0]
        private var operations: [Set<PolicyOperation>: Int] = [[]: 0]
        private var conditions: [Set<PolicyCondition>: Int] = [[]: 0]
        /// The first rule of each shape.
        private var rules: [Place: SourcePosition] = [:]

        mutating func add(_ rule: PolicyRule, of policy: AuthorizationPolicy) -> Shape {
            let shape = Shape(
                from: Self.number(Set(rule.from.map(\.normalized)), in: &sources),
                to: Self.number(Set(rule.to.map(\.normalized)), in: &operations),
                when: Self.number(Set(rule.when.map(\.normalized)), in: &conditions))
            for service in Self.services(of: policy) {
                let place = Self.place(shape, service, policy)
                if rules[place] == nil { rules[place] = rule.position.position }
            }
            return shape
        }

        /// - Returns: where a rule stands that covers this one for each service of its policy.
        func ruleCovering(_ rule: PolicyRule, _ shape: Shape, of policy: AuthorizationPolicy) -> SourcePosition? {
            var covering: SourcePosition?
            for service in Self.services(of: policy) {
                var found: SourcePosition?
                for candidate in shape.covering {
                    // The first of several rules that say the same is the one on record, and stays.
                    for scope in service == nil ? [service] : [nil, service] {
                        let position = rules[Self.place(candidate, scope, policy)]
                        if let position, position != rule.position.position { found = position }
                    }
                }
                guard let found else { return nil }
                covering = found
            }
            return covering
        }

        private static func services(of policy: AuthorizationPolicy) -> [String?] {
            policy.targetServices.isEmpty ? [nil] : policy.targetServices.map(\.value)
        }

        private static func place(_ shape: Shape, _ service: String?, _ policy: AuthorizationPolicy) -> Place {
            Place(
                namespace: policy.metadata.name.namespace, service: service, action: policy.action, shape: shape)
        }

        private static func number<Part: Hashable>(_ part: Set<Part>, in numbers: inout [Set<Part>: Int]) -> Int {
            if let number = numbers[part] { return number }
            numbers[part] = numbers.count
            return numbers.count - 1
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
