import HTTPSemantics

/// What is looked for among the clauses that a call may match. The index leads there, and evaluates none.
protocol ClauseSearch {
    /// - Parameter leaf: In `candidates`, ascending.
    mutating func look(
        at leaf: TableRange, of program: AuthorizationProgram, _ head: borrowing MessageHead,
        _ call: borrowing CallFacts)
}

/// The first clause that holds, in the order of policies: the one that decides.
struct FirstClause: ClauseSearch {
    /// `Int32.max`: none holds.
    private(set) var clause = Int32.max

    mutating func look(
        at leaf: TableRange, of program: AuthorizationProgram, _ head: borrowing MessageHead,
        _ call: borrowing CallFacts
    ) {
        for index in leaf.indices {
            let candidate = program.candidates[index]
            if candidate >= clause { return }
            if program.evaluate(program.clauses[Int(candidate)], head, call) == AuthorizationProgram.holds {
                clause = candidate
                return
            }
        }
    }
}

/// Of each policy that decides nothing, the first clause that holds.
extension Observation: ClauseSearch {
    mutating func look(
        at leaf: TableRange, of program: AuthorizationProgram, _ head: borrowing MessageHead,
        _ call: borrowing CallFacts
    ) {
        for index in leaf.indices { look(at: program.candidates[index], of: program, head, call) }
    }

    mutating func look(
        at candidate: Int32, of program: AuthorizationProgram, _ head: borrowing MessageHead,
        _ call: borrowing CallFacts
    ) {
        let clause = program.clauses[Int(candidate)]
        let policy = program.observedPlace(of: clause)
        guard lacks(candidate, of: policy),
            program.evaluate(clause, head, call) == AuthorizationProgram.holds
        else { return }
        add(candidate, of: policy, program.observed[Int(policy)].action)
    }
}
