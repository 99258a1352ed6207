import ConfigValues
import Diagnostics
import RegularExpressions

/// A schema with all that it refers to, ready to hold values against: subschemas by number.
struct SchemaProgram: Sendable {
    let nodes: [SchemaNode]
    /// Of `nodes`.
    let root: Int
    /// By resource: its dynamic anchors, by number, and the nodes they stand on.
    let dynamicAnchors: [[Int: Int]]
}

/// A subschema.
struct SchemaNode: Sendable {
    let position: SourcePosition
    /// The one it belongs to.
    let resource: Int
    let title: String?
    /// All must hold. Those that need no other subschema first, those that ask what others have looked at last.
    let rules: [SchemaRule]

    init(position: SourcePosition, resource: Int, title: String? = nil, rules: [SchemaRule]) {
        self.position = position
        self.resource = resource
        self.title = title
        self.rules =
            rules.filter { $0.test.phase == .alone } + rules.filter { $0.test.phase == .throughOthers }
            + rules.filter { $0.test.phase == .afterAll }
        isLeaf = self.rules.last.map { $0.test.phase == .alone } ?? true
        asksWhatIsEvaluated = self.rules.last.map { $0.test.phase == .afterAll } ?? false
    }

    /// Whether it needs no other subschema.
    let isLeaf: Bool
    /// Whether it has `unevaluatedProperties` or `unevaluatedItems`.
    let asksWhatIsEvaluated: Bool
}

/// A keyword of a subschema, or several that mean one thing together. A class, for it is handed on with each step.
final class SchemaRule: Sendable {
    let keyword: SchemaKeyword
    let position: SourcePosition
    /// What the keyword says is shown to nobody.
    let isSecret: Bool
    let test: SchemaTest

    init(keyword: SchemaKeyword, position: SourcePosition, isSecret: Bool, test: SchemaTest) {
        self.keyword = keyword
        self.position = position
        self.isSecret = isSecret
        self.test = test
    }
}

enum SchemaTest: Sendable {
    /// The schema `false`.
    case nothing
    case type(SchemaTypes)
    case constant(ConfigValue)
    case oneOf(Set<ConfigValue>, inOrder: [ConfigValue])
    case multipleOf(DecimalNumber, ConfigNumber)
    case atLeast(ConfigNumber)
    case atMost(ConfigNumber)
    case above(ConfigNumber)
    case below(ConfigNumber)
    case characters(Bounds)
    indirect case matches(ExpressionMatcher)
    case items(Bounds)
    case distinctItems
    case members(Bounds)
    /// In order of bytes.
    case required([String])
    case requiredBeside([Companions])

    // Through other subschemas, of the same value.
    case reference(Int)
    /// - `anchor`: Leads to the outermost resource that has it, or to the node.
    case dynamicReference(Int, anchor: Int)
    case all([Int])
    case any([Int])
    case one([Int])
    case not(Int)
    case condition(if: Int, then: Int?, else: Int?)
    case dependent([Dependent])

    // Of what it has in it.
    case mapMembers(MemberRules)
    case names(Int)
    case listItems(prefix: [Int], rest: Int?)
    case contains(Int, Bounds)
    case unevaluatedMembers(Int)
    case unevaluatedItems(Int)

    struct Bounds: Sendable {
        var minimum = 0
        var maximum: Int?

        func contain(_ count: Int) -> Bool { count >= minimum && count <= maximum ?? .max }
    }

    /// Keys that must be there if one is.
    struct Companions: Sendable {
        let key: String
        /// In order of bytes.
        let companions: [String]
    }

    /// A subschema that holds if a key is there.
    struct Dependent: Sendable {
        let key: String
        let node: Int
    }

    struct MemberRules: Sendable {
        /// In order of bytes.
        var names: [String] = []
        /// By name.
        var nodes: [Int] = []
        var patterns: [Pattern] = []
        var others: Int?
    }

    struct Pattern: Sendable {
        let matcher: ExpressionMatcher
        let node: Int
    }

    enum Phase { case alone, throughOthers, afterAll }

    var phase: Phase {
        switch self {
        case .nothing, .type, .constant, .oneOf, .multipleOf, .atLeast, .atMost, .above, .below, .characters,
            .matches, .items, .distinctItems, .members, .required, .requiredBeside:
            .alone
        case .reference, .dynamicReference, .all, .any, .one, .not, .condition, .dependent, .mapMembers, .names,
            .listItems, .contains:
            .throughOthers
        case .unevaluatedMembers, .unevaluatedItems: .afterAll
        }
    }

    /// Those that are applied to the same value, whatever it is. Where a dynamic reference leads is not known before.
    var nodesOfSameValue: [Int] {
        switch self {
        case .reference(let node), .not(let node): [node]
        case .all(let nodes), .any(let nodes), .one(let nodes): nodes
        case .condition(let condition, let then, let otherwise): [condition] + [then, otherwise].compactMap(\.self)
        case .dependent(let rules): rules.map(\.node)
        default: []
        }
    }
}
