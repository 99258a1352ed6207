import ConfigValues

/// A subschema that is to be applied to a value.
struct SchemaApplication {
    /// How the value is reached from the one that the subschema below is applied to.
    enum Way {
        /// It is the same.
        case same
        case member(Int)
        case item(Int)
        /// The key itself, as a string.
        case name(Int)

        var isSame: Bool { if case .same = self { true } else { false } }
    }

    let node: Int
    let value: ConfigValue
    let way: Way
    /// Which keyword applies it.
    let keyword: SchemaKeyword
    /// Whether it is only asked if it holds, and no mistake is told.
    var isQuiet: Bool
    /// Whether what it has looked at counts as evaluated below, if it holds.
    var isEvaluation = true
}

/// A subschema that is being applied.
struct SchemaFrame {
    let application: SchemaApplication
    /// Levels of the value above this one.
    let depth: Int
    /// Whether members or items that it looks at are marked, from `firstMark` on.
    let marks: Bool
    let firstMark: Int

    var isValid = true
    /// Of the node's rules.
    var rule = 0
    /// How far the rule has come, and what it has found, as the rule counts it; all begin at 0 with each rule.
    var progress = Progress()

    struct Progress {
        /// The next one of what it goes through.
        var next = 0
        /// Where it is within that one.
        var stage = 0
        var count = 0
        var isFound = false
        var holds = true
    }
}
