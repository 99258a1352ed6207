package import Diagnostics
package import Reconciliation

/// How an `apply` or `delete` ended.
package struct ApplyReport: Sendable {
    package enum Outcome: String, Sendable {
        /// Every worker serves it.
        case served
        /// The set served already says the same.
        case unchanged
        /// It would be taken up; nothing was written.
        case dryRun = "dry-run"
        /// Nothing was written; `diagnostics` say why.
        case refused
        /// There is no such resource to delete.
        case notFound = "not-found"
    }

    package var outcome: Outcome
    /// The generation it serves in, where that is known.
    package var generation: UInt64?
    package var changes: [ResourceChange]
    /// Errors where it was refused; otherwise warnings, and as errors what of the whole set is held back. Each names a file that was handed in, or one that lies in the
    /// folder: relative to it, or absolute where one of the same name was handed in.
    package var diagnostics: [Diagnostic]

    package init(
        outcome: Outcome, generation: UInt64? = nil, changes: [ResourceChange] = [], diagnostics: [Diagnostic] = []
    ) {
        self.outcome = outcome
        self.generation = generation
        self.changes = changes
        self.diagnostics = diagnostics
    }

    /// What serves, or would, but for what this host stands in the way of.
    var heldBack: [Diagnostic] {
        switch outcome {
        case .served, .unchanged, .dryRun: diagnostics.filter { $0.severity == .error }
        case .refused, .notFound: []
        }
    }

    /// Whether something is held back of the manifests that were handed in, or edited, be it to take something out: who
    /// changed others has done so.
    /// - Parameter documents: Names of what was handed in.
    func isHeldBack(documents: [String]) -> Bool {
        let files = Set(documents).union(changes.lazy.map(\.path))
        return heldBack.contains { files.contains($0.position.file) }
    }
}
