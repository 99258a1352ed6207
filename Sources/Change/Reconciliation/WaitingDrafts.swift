/// Drafts of changes that lie beside manifests, by their names alone: what the last listing found, and what events told since.
///
/// While a change of several files is half done, nothing of the folder is to be taken up, whichever process makes it.
struct WaitingDrafts {
    typealias Instant = ContinuousClock.Instant

    /// The steps that each change still has to do.
    private var steps: [UInt64: Set<Int>] = [:]
    /// Since when there is half of a change, without a break.
    private(set) var halfSince: Instant?

    /// Changes of which some steps were done, and others wait.
    var halves: Set<UInt64> {
        if steps.isEmpty { return [] }
        return Set(steps.lazy.filter { Self.isHalf($0.value) }.map(\.key))
    }

    /// Steps are done from the first on, and a draft is gone with the step that used it.
    /// - Parameter waiting: Whose drafts are there.
    static func isHalf(_ waiting: some Sequence<Int>) -> Bool { waiting.min().map { $0 > 0 } ?? false }

    /// All that a listing found.
    /// - Returns: Whether there was half of a change, and is none any more.
    @discardableResult
    mutating func replace(with companions: some Sequence<ChangeRecord.Companion>, at now: Instant) -> Bool {
        steps = [:]
        for companion in companions where companion.isDraft {
            steps[companion.change, default: []].insert(companion.step)
        }
        return note(at: now)
    }

    /// What came or went.
    /// - Returns: As `replace` does.
    @discardableResult
    mutating func note(_ companions: [(ChangeRecord.Companion, isThere: Bool)], at now: Instant) -> Bool {
        for (companion, isThere) in companions where companion.isDraft {
            if isThere {
                steps[companion.change, default: []].insert(companion.step)
            } else {
                steps[companion.change]?.remove(companion.step)
                if steps[companion.change]?.isEmpty ?? false { steps[companion.change] = nil }
            }
        }
        return note(at: now)
    }

    private mutating func note(at now: Instant) -> Bool {
        let wasHalf = halfSince != nil
        halfSince = halves.isEmpty ? nil : halfSince ?? now
        return wasHalf && halfSince == nil
    }
}
