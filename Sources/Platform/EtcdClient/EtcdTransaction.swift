/// Steps that are all made, at one revision, or none of them.
package struct EtcdTransaction: Sendable {
    package enum Condition: Sendable {
        /// The key was changed last at that revision; 0: it is not there.
        case unchanged(key: [UInt8], revision: Int64)
        /// Every key below the prefix was changed last before that revision.
        case allOlder(prefix: [UInt8], than: Int64)
    }

    package enum Step: Sendable {
        case put(key: [UInt8], value: [UInt8])
        case delete(key: [UInt8])
        case deleteAll(prefix: [UInt8])
    }

    package var conditions: [Condition]
    package var steps: [Step]

    package init(where conditions: [Condition], _ steps: [Step]) {
        self.conditions = conditions
        self.steps = steps
    }
}

/// Why etcd did not do what was asked of it.
package struct EtcdFailure: Error, Sendable, CustomStringConvertible {
    package let description: String
    /// What was asked may have been done all the same: no answer came.
    package let isUnknown: Bool
    /// There is more than was asked for at most.
    package let isTooLarge: Bool

    init(_ description: String, isUnknown: Bool = false, isTooLarge: Bool = false) {
        self.description = description
        self.isUnknown = isUnknown
        self.isTooLarge = isTooLarge
    }
}
