import ConfigValues
import Diagnostics

/// What is told of a value that a rule does not hold for.
extension SchemaEvaluation {
    /// Of the topmost frame's value.
    mutating func report(_ rule: SchemaRule) {
        guard let top = frames.last, mistakes.count < limits.mistakeCount else { return }
        add(SchemaMistake(rule, top.application, count: top.progress.count, in: program, below: frames.dropLast()))
    }

    /// - Parameter application: Above the topmost frame.
    mutating func report(_ rule: SchemaRule, _ application: SchemaApplication) {
        guard mistakes.count < limits.mistakeCount else { return }
        add(SchemaMistake(rule, application, in: program, below: frames[...]))
    }

    private mutating func add(_ mistake: SchemaMistake) {
        let diagnostic = mistake.diagnostic
        // Several subschemas may say the same of one value.
        if !mistakes.contains(diagnostic) { mistakes.append(diagnostic) }
    }

    /// The one of some alternatives that is for such a value, if it is the only one: by types, and by keys that say which it is.
    func onlyFitting(_ nodes: [Int], _ value: ConfigValue) -> Int? {
        let fitting = nodes.filter { fits($0, value, hops: 0) }
        return fitting.count == 1 ? fitting[0] : nil
    }

    private func fits(_ node: Int, _ value: ConfigValue, hops: Int) -> Bool {
        guard hops < 8 else { return true }
        return program.nodes[node].rules.allSatisfy { rule in
            switch rule.test {
            case .nothing: false
            case .type(let types): !types.isDisjoint(with: SchemaTypes(of: value))
            case .constant(let constant): constant.typeName == value.typeName
            case .oneOf(_, let values): values.contains { $0.typeName == value.typeName }
            case .reference(let other): fits(other, value, hops: hops + 1)
            case .all(let others): others.prefix(8).allSatisfy { fits($0, value, hops: hops + 1) }
            case .mapMembers(let rules): value.map.map { hasKind($0, rules) } ?? true
            default: true
            }
        }
    }

    /// Whether the map's strings are those that the schema demands, where it names them one by one.
    private func hasKind(_ map: ConfigMap, _ rules: SchemaTest.MemberRules) -> Bool {
        for (name, node) in zip(rules.names.prefix(100), rules.nodes) {
            guard let value = map[name], case .string = value.content else { continue }
            for rule in program.nodes[node].rules {
                switch rule.test {
                case .constant(let constant): if constant != value { return false }
                case .oneOf(let values, _): if !values.contains(value) { return false }
                default: break
                }
            }
        }
        return true
    }
}
