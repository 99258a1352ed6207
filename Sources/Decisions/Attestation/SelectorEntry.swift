import Manifests

/// One thing that a selector says of a process, in the order in which they are looked at: what is cheap to find out decides first, so
/// that a process that differs there costs no more.
enum SelectorItem: Int, Comparable {
    case user, controlGroup, unit, startedAs, group, path, digest

    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// One selector: all it says must be so.
struct SelectorEntry: Hashable, Sendable {
    private let user: AccountCondition?
    private let group: AccountCondition?
    private let controlGroup: ControlGroupCondition?
    private let unit: ControlGroupCondition?
    private let path: String?
    private let digest: String?
    /// `nil`: however it was started.
    private let startedAs: ResourceName?
    /// As the manifest names them, for people.
    private let controlGroupName: String?
    private let unitName: String?

    init(_ selector: WorkloadSelector, of workload: ResourceName, _ accounts: HostAccounts) {
        startedAs = selector.isStarted ? workload : nil
        user = AccountCondition(selector.user?.value, selector.uid, in: accounts.users)
        group = AccountCondition(selector.group?.value, selector.gid, in: accounts.groups)
        path = selector.path?.value
        digest = selector.sha256
        controlGroupName = selector.controlGroup
        unitName = selector.unit
        let owner = user?.number
        controlGroup = controlGroupName.map { ControlGroupCondition(path: $0, owner: owner) }
        unit = unitName.map { ControlGroupCondition(unit: $0, owner: owner) }
    }

    enum Outcome {
        case matches
        /// In this first.
        case differs(SelectorItem)
        case needs(FactDepth)
    }

    func outcome(on process: LocalProcess) -> Outcome {
        if let user, user.number != process.uid { return .differs(.user) }
        var needed: FactDepth?
        if let controlGroup {
            guard agrees(process.controlGroup, .controlGroup, &needed, controlGroup.matches) else {
                return .differs(.controlGroup)
            }
        }
        if let unit {
            guard agrees(process.controlGroup, .controlGroup, &needed, unit.matches) else { return .differs(.unit) }
        }
        if let startedAs {
            guard agrees(process.startedAs, .controlGroup, &needed, { $0 == startedAs }) else {
                return .differs(.startedAs)
            }
        }
        if let group {
            guard agrees(process.gid, .process, &needed, { $0 == group.number }) else { return .differs(.group) }
        }
        // By bytes: a String counts as another that looks the same.
        if let path {
            guard agrees(process.executable, .process, &needed, { $0.utf8.elementsEqual(path.utf8) }) else {
                return .differs(.path)
            }
        }
        if let digest {
            guard agrees(process.digest, .digest, &needed, { $0.utf8.elementsEqual(digest.utf8) }) else {
                return .differs(.digest)
            }
        }
        return needed.map(Outcome.needs) ?? .matches
    }

    /// Whether a fact is as it must be, or may be: what could not be found out is not.
    /// - Parameter needed: How far there is to look first, unless something that needs less has said so.
    private func agrees<Value>(
        _ fact: LocalProcess.Fact<Value>, _ depth: FactDepth, _ needed: inout FactDepth?, _ isRight: (Value) -> Bool
    ) -> Bool {
        switch fact {
        case .known(let value): return isRight(value)
        case .unknown: return false
        case .notAsked:
            needed = needed ?? depth
            return true
        }
    }

    /// How many things it says that are looked at before this one.
    func count(before item: SelectorItem) -> Int {
        let says: [(SelectorItem, Bool)] = [
            (.user, user != nil), (.controlGroup, controlGroup != nil), (.unit, unit != nil),
            (.startedAs, startedAs != nil), (.group, group != nil), (.path, path != nil), (.digest, digest != nil),
        ]
        return says.count { $0.0 < item && $0.1 }
    }

    /// What it says of one thing that a process is not, in words: `user web (uid 1001)`.
    func text(of item: SelectorItem, on process: LocalProcess) -> String {
        switch item {
        case .user: user?.text("user", "uid") ?? ""
        case .group: group?.text("group", "gid") ?? ""
        // What lies below is another.
        case .controlGroup: "cgroup \(controlGroupName?.shortened ?? "")" + (user == nil ? " itself" : "")
        case .unit: "systemd unit \(unitName ?? "")"
        case .startedAs: "a start by heddle exec" + startText(process)
        case .path: "path \(path?.shortened ?? "")"
        case .digest: "sha256 \(digest ?? "")"
        }
    }
}

extension SelectorEntry {
    /// Why a process is none that was started so, where it may look like one.
    private func startText(_ process: LocalProcess) -> String {
        switch process.startedAs {
        case .unknown(let why): return ", and who this is could not be seen: \(why.shortened)"
        case .known(let other?): return ", and this one was started as \(other)"
        case .known, .notAsked: break
        }
        guard let parent = process.startedBy, parent.workload == startedAs else { return "" }
        return ": that was pid \(parent.pid), this process alone (no control groups here), and not what it starts"
    }
}

/// Which user or group a selector means, by name, number or both.
private struct AccountCondition: Hashable, Sendable {
    private let name: String?
    private let written: UInt32?
    private let named: UInt32?

    /// - Returns: `nil`: any.
    init?(_ name: String?, _ number: UInt32?, in known: [String: UInt32]) {
        guard name != nil || number != nil else { return nil }
        self.name = name
        written = number
        named = name.flatMap { known[$0] }
    }

    /// `nil`: nobody's, for this host has none of that name, or name and number differ.
    var number: UInt32? {
        guard name != nil else { return written }
        return written == nil || written == named ? named : nil
    }

    func text(_ kind: String, _ numberKind: String) -> String {
        guard let name else { return "\(numberKind) \(written.map(String.init) ?? "")" }
        let known = named.map { "\(numberKind) \($0)" } ?? "whom this host does not have"
        let other = written == nil || written == named ? "" : " and \(numberKind) \(written.map(String.init) ?? "")"
        return "\(kind) \(name.shortened) (\(known))\(other)"
    }
}
