package import Manifests

/// A workload's selectors, ready to be held against processes of this host.
package struct SelectorProgram: Hashable, Sendable {
    /// What comes of holding a process against selectors.
    package enum Verdict: Hashable, Sendable {
        case matches
        case differs
        /// It depends on what nobody has found out yet.
        case needs(FactDepth)
    }

    private let entries: [SelectorEntry]

    /// - Parameter workload: Whose they are.
    package init(_ selectors: [WorkloadSelector], of workload: ResourceName, _ accounts: HostAccounts) {
        entries = selectors.map { SelectorEntry($0, of: workload, accounts) }
    }

    /// One that matches is enough, whatever the others would need.
    package func verdict(on process: LocalProcess) -> Verdict {
        var needed: FactDepth?
        for entry in entries {
            switch entry.outcome(on: process) {
            case .matches: return .matches
            case .differs: break
            // The one that needs least may already decide.
            case .needs(let depth): needed = min(needed ?? depth, depth)
            }
        }
        return needed.map(Verdict.needs) ?? .differs
    }
}

extension SelectorProgram {
    /// In what a process is not the workload: of its selectors the first that it comes nearest to.
    /// - Returns: `nil`: it does not differ.
    package func difference(of process: LocalProcess) -> SelectorDifference? {
        var nearest: SelectorDifference?
        for (index, entry) in entries.enumerated() {
            guard case .differs(let item) = entry.outcome(on: process) else { return nil }
            let difference = SelectorDifference(
                index: index, item: item, agreedCount: entry.count(before: item), entry: entry, process: process)
            if nearest.map({ $0.nearness < difference.nearness }) ?? true { nearest = difference }
        }
        return nearest
    }
}

/// What one selector says that a process is not.
package struct SelectorDifference {
    /// Among the workload's.
    fileprivate let index: Int
    fileprivate let item: SelectorItem
    /// How much else it says that is so.
    fileprivate let agreedCount: Int
    fileprivate let entry: SelectorEntry
    fileprivate let process: LocalProcess

    /// Of two differences the greater is of a process that came nearer: more of what the selector says is so, or else it is looked at later.
    package var nearness: Int { agreedCount * 8 + item.rawValue }

    /// In words: `selectors[0] says user web (uid 1001)`.
    package var text: String { "selectors[\(index)] says \(entry.text(of: item, on: process))" }
}
