import AdminAPI
import ConfigDelivery
import ConfigHistory
import ConfigMerging
import Diagnostics
import Manifests

/// What configs are and were, as the admin API asks it: with what is secret now marked as such.
extension ConfigServing {
    /// A Config as it is now; `nil`: the board has not heard of it yet.
    func report(of name: ResourceName) -> ConfigReport? {
        guard let config = board.config(name) else { return nil }
        var report = ConfigReport(isRead: config.isRead, revision: config.value?.revision, problems: config.problems)
        do throws(ConfigRefusal) {
            if let value = config.value { report.value = try config.secrets.hiding(value.evaluated) }
        } catch {
            report.problems += error.diagnostics
        }
        return report
    }

    var pinned: [PinnedConfigReport] {
        board.all.compactMap { config in
            config.pin.map { pin in
                PinnedConfigReport(
                    config: config.name, revision: pin.revision, firstAt: pin.firstAt, sources: .init(pin.sources))
            }
        }
    }

    func history(of name: ResourceName) async -> ConfigHistoryReport? {
        guard let listing = await history.listing(of: name) else { return nil }
        let config = board.config(name)
        return ConfigHistoryReport(
            entries: listing.headings.map { heading in
                .init(
                    revision: heading.revision, firstAt: heading.firstAt, lastAt: heading.lastAt,
                    changeCount: heading.changeCount)
            },
            current: config?.value?.revision, pinned: config?.pin?.revision, problems: listing.problems)
    }

    /// What is published is found though it could not be kept.
    func past(_ prefix: String, of name: ResourceName) async -> PastConfigReport? {
        guard let finding = await history.past(prefix, of: name) else { return nil }
        // Of one that the board has not heard of nobody knows what is secret.
        guard let config = board.config(name) else { return .unreadable([]) }
        let current = config.value.flatMap { $0.revision.hasPrefix(prefix) ? $0 : nil }
        let secrets = config.secrets
        switch (finding, current) {
        case (.ambiguous(let revisions), _): return .ambiguous(revisions: revisions)
        case (.found(let past), let current?) where current.revision != past.revision:
            return .ambiguous(revisions: [past.revision, current.revision])
        case (.found(let past), _):
            return Self.report(past.revision) { () throws(ConfigRefusal) in try past.evaluated(hiding: secrets) }
        case (.unknown, let current?), (.unreadable, let current?):
            return Self.report(current.revision) { () throws(ConfigRefusal) in try secrets.hiding(current.evaluated) }
        case (.unknown, nil): return .unknown
        case (.unreadable(let problem), nil): return .unreadable([problem])
        }
    }

    private static func report(
        _ revision: String, _ value: () throws(ConfigRefusal) -> EvaluatedConfig
    ) -> PastConfigReport {
        do throws(ConfigRefusal) { return .found(try value(), revision: revision) } catch {
            return .unreadable(error.diagnostics)
        }
    }
}

extension PinnedConfigReport.Sources {
    fileprivate init(_ sources: HeldPin.Sources) {
        self =
            switch sources {
            case .same: .same
            case .other: .other
            case .nothing: .nothing
            }
    }
}
