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

    private let entries: [Entry]

    /// - Parameter workload: Whose they are.
    package init(_ selectors: [WorkloadSelector], of workload: ResourceName, _ accounts: HostAccounts) {
        entries = selectors.map { Entry($0, of: workload, accounts) }
    }

    /// One that matches is enough, whatever the others would need.
    package func verdict(on process: LocalProcess) -> Verdict {
        var needed: FactDepth?
        for entry in entries {
            switch entry.verdict(on: process) {
            case .matches: return .matches
            case .differs: break
            // The one that needs least may already decide.
            case .needs(let depth): needed = min(needed ?? depth, depth)
            }
        }
        return needed.map(Verdict.needs) ?? .differs
    }
}

/// One selector: all it says must be so.
private struct Entry: Hashable, Sendable {
    /// `nil`: it names none; empty: one that this host does not have, or two that differ.
    private let uid: [UInt32]?
    private let gid: [UInt32]?
    private let groups: [ControlGroupCondition]
    private let path: String?
    private let digest: String?
    /// `nil`: however it was started.
    private let startedAs: ResourceName?

    init(_ selector: WorkloadSelector, of workload: ResourceName, _ accounts: HostAccounts) {
        startedAs = selector.isStarted ? workload : nil
        uid = Self.one(of: selector.uid, selector.user.map { accounts.users[$0.value] })
        gid = Self.one(of: selector.gid, selector.group.map { accounts.groups[$0.value] })
        path = selector.path
        digest = selector.sha256
        let owner = selector.namesUser ? uid?.first : nil
        groups =
            (selector.controlGroup.map { [ControlGroupCondition(path: $0, owner: owner)] } ?? [])
            + (selector.unit.map { [ControlGroupCondition(unit: $0, owner: owner)] } ?? [])
    }

    /// - Parameter named: What a name stands for; `.some(nil)`: a name that stands for nobody.
    private static func one(of number: UInt32?, _ named: UInt32??) -> [UInt32]? {
        switch (number, named) {
        case (nil, nil): nil
        case (let number?, nil): [number]
        case (nil, let named?): named.map { [$0] } ?? []
        case (let number?, let named?): named == number ? [number] : []
        }
    }

    func verdict(on process: LocalProcess) -> SelectorProgram.Verdict {
        if let uid, !uid.contains(process.uid) { return .differs }
        var needed: FactDepth?
        // What is cheap to find out decides first, so that a process that differs there costs no more.
        for condition in groups {
            switch process.controlGroup {
            case .known(let group): if !condition.matches(group) { return .differs }
            case .unknown: return .differs
            case .notAsked: needed = needed ?? .controlGroup
            }
        }
        if let startedAs {
            switch process.startedAs {
            case .known(let workload): if workload != startedAs { return .differs }
            case .unknown: return .differs
            case .notAsked: needed = needed ?? .controlGroup
            }
        }
        if let gid {
            switch process.gid {
            case .known(let number): if !gid.contains(number) { return .differs }
            case .unknown: return .differs
            case .notAsked: needed = needed ?? .process
            }
        }
        if let path {
            switch process.executable {
            // By bytes: a String counts as another that looks the same.
            case .known(let file): if !file.utf8.elementsEqual(path.utf8) { return .differs }
            case .unknown: return .differs
            case .notAsked: needed = needed ?? .process
            }
        }
        if let digest {
            switch process.digest {
            case .known(let found): if !found.utf8.elementsEqual(digest.utf8) { return .differs }
            case .unknown: return .differs
            case .notAsked: needed = needed ?? .digest
            }
        }
        return needed.map(SelectorProgram.Verdict.needs) ?? .matches
    }
}
