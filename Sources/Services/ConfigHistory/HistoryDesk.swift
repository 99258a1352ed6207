import Diagnostics
import Manifests
import SystemInterfaces

/// What the history's thread works with: no other one sees it.
struct HistoryDesk: Sendable {
    struct Pin: Sendable {
        let prefix: String
        let tell: @Sendable (PinFinding) -> Void
    }

    /// After a failure. Default: 1 s, twice as long each time, up to 60 s.
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(60)

    let store: HistoryStore
    private let waitingCount: Int
    /// Published and not kept yet, by Config.
    private var waiting: [ResourceName: [HistoryStore.Published]] = [:]
    /// What was kept last: need not be read again to see what is other.
    private var kept: [ResourceName: HistoryStore.Kept] = [:]
    /// That could not be looked up yet.
    private var pins: [ResourceName: Pin] = [:]
    /// Why values are not kept, and what was found damaged on the way.
    private var problems: [ResourceName: [Diagnostic]] = [:]
    private var names: Set<ResourceName> = []
    /// Some of the Configs that there were are gone, and it was not looked yet what is kept of them.
    private var owesClearing = false
    private var clearing: Diagnostic?
    private var failures = 0
    /// When what has failed is tried again; `nil`: nothing has.
    private(set) var retry: ContinuousClock.Instant?

    init(_ store: HistoryStore, waitingCount: Int) {
        self.store = store
        self.waitingCount = waitingCount
    }

    var allProblems: [Diagnostic] {
        problems.sorted { $0.key < $1.key }.flatMap(\.value) + [clearing].compactMap(\.self)
    }

    mutating func take(_ values: [HistoryStore.Published], of config: ResourceName) {
        for value in values { waiting[config, default: []].add(value, limit: waitingCount) }
    }

    mutating func adopt(_ new: Set<ResourceName>) {
        // At start others may be gone that were there before.
        owesClearing = owesClearing || names.isEmpty || !names.isSubset(of: new)
        names = new
        waiting = waiting.filter { new.contains($0.key) }
        kept = kept.filter { new.contains($0.key) }
        pins = pins.filter { new.contains($0.key) }
        problems = problems.filter { new.contains($0.key) }
    }

    // MARK: Writing

    mutating func write() {
        for (config, values) in waiting {
            var rest = values[...]
            keeping: while let value = rest.first {
                do throws(HistoryFailure) {
                    let outcome = try store.keep(value, after: kept[config], of: config)
                    (kept[config], problems[config]) = (outcome.kept, outcome.warnings)
                } catch {
                    problems[config] = [error.problem]
                    guard error.isFinal else { break keeping }
                }
                rest.removeFirst()
            }
            waiting[config] = rest.isEmpty ? nil : Array(rest)
        }
        // Where there is no state folder nothing lies in it.
        guard owesClearing, store.isThere else { return }
        do throws(SystemCallError) {
            try store.removeGone(except: names)
            (owesClearing, clearing) = (false, nil)
        } catch {
            clearing = store.uncleared(error)
        }
    }

    // MARK: Looking

    /// - Parameter again: Whether those that could not be read are looked at once more.
    mutating func look(for new: [ResourceName: Pin], again: Bool) {
        let due = again ? pins.merging(new) { _, new in new } : new
        for (config, pin) in due {
            let finding = find(pin.prefix, of: config)
            switch finding {
            case .unreadable: pins[config] = pin
            case .found, .unknown, .ambiguous: pins[config] = nil
            }
            let newest = waiting[config]?.last.map { .found($0.past) } ?? store.newest(of: config)
            pin.tell(PinFinding(finding: finding, newest: newest))
        }
    }

    /// Also among what is not kept yet.
    func find(_ prefix: String, of config: ResourceName) -> PastFinding {
        let kept = store.find(prefix, of: config)
        let unkept = waiting[config]?.filter { $0.revision.hasPrefix(prefix) } ?? []
        guard let last = unkept.last else { return kept }
        var revisions = Set(unkept.map(\.revision))
        switch kept {
        case .found(let past): revisions.insert(past.revision)
        case .ambiguous(let others): revisions.formUnion(others)
        case .unknown, .unreadable: break
        }
        return revisions.count == 1 ? .found(last.past) : .ambiguous(revisions: revisions.sorted())
    }

    /// With what keeps the newest from being among it.
    func listing(of config: ResourceName) -> PastListing {
        var listing = store.listing(of: config)
        listing.problems += (problems[config] ?? []).filter { !listing.problems.contains($0) }
        return listing
    }

    // MARK: Trying again

    mutating func pause(wasDue: Bool) {
        guard !waiting.isEmpty || !pins.isEmpty || owesClearing else {
            (failures, retry) = (0, nil)
            return
        }
        guard wasDue else { return }
        failures += 1
        retry = .now + min(Self.longestPause, Self.firstPause * (1 << min(failures - 1, 6)))
    }
}

extension [HistoryStore.Published] {
    /// One after the other; the same value again is one.
    mutating func add(_ new: HistoryStore.Published, limit: Int) {
        if last?.revision == new.revision { removeLast() }
        append(new)
        if count > limit { removeFirst(count - limit) }
    }
}

extension HistoryStore.Published {
    /// As it would be kept, where nothing else is known of it.
    fileprivate var past: PastConfig {
        PastConfig(PastHeading(revision: revision, firstAt: time, lastAt: time, changeCount: nil), recipe)
    }
}
