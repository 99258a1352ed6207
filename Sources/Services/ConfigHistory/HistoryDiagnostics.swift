package import Diagnostics
import Manifests
import Reconciliation
import SystemInterfaces

/// Why a value was not kept.
struct HistoryFailure: Error {
    let problem: Diagnostic
    /// It will not be otherwise another time.
    let isFinal: Bool
}

/// What there is of a revision.
package enum PastFinding: Sendable {
    case found(PastConfig)
    /// Nothing of that name is kept.
    case unknown
    /// - Parameter revisions: All that begin so.
    case ambiguous(revisions: [String])
    /// Something is there, or may be, and cannot be used. A warning.
    case unreadable(Diagnostic)
}

/// What there is of a revision that a Config is pinned to.
package struct PinFinding: Sendable {
    package let finding: PastFinding
    /// What was published last, for want of it; `.unknown`: nothing was.
    package let newest: PastFinding

    package init(finding: PastFinding, newest: PastFinding) {
        self.finding = finding
        self.newest = newest
    }
}

/// What is kept of a Config.
package struct PastListing: Sendable {
    /// From the newest to the oldest.
    package var headings: [PastHeading] = []
    /// Of those that cannot be read, and are not among them.
    package var problems: [Diagnostic] = []
}

extension HistoryStore {
    func unkept(_ error: SystemCallError, of config: ResourceName) -> Diagnostic {
        Diagnostic(
            .configHistory, at: position(config),
            found: "a value of Config \(config) cannot be kept: \(error.call): \(error.reason)",
            expected: "a state folder that can be written: until then the value cannot be pinned after a restart",
            remedy: FailedCall.remedy(error.errno, to: .write, "the state folder"))
    }

    func uncleared(_ error: SystemCallError) -> Diagnostic {
        Diagnostic(
            .configHistory, .warning, at: .place(path),
            found: "values of Configs that are no more cannot be removed: \(error.call): \(error.reason)",
            expected: "a state folder that can be written",
            remedy: FailedCall.remedy(error.errno, to: .write, "the state folder"))
    }

    func tooLarge(_ revision: String, of config: ResourceName) -> Diagnostic {
        Diagnostic(
            .configHistory, .warning, at: position(config),
            found: "value \(ConfigRevision.short(revision)) of Config \(config), which is too large to be kept",
            expected: "at most \(valueByteCount >> 20) MiB with all that it was made of",
            remedy: "make several Configs of it; it serves, and cannot be pinned later")
    }

    func unreadable(_ error: SystemCallError, of config: ResourceName, _ file: String? = nil) -> Diagnostic {
        Diagnostic(
            .stateUnavailable, .warning, at: position(config, file), found: "\(error.call): \(error.reason)",
            expected: "what Config \(config) was, in files that can be read",
            remedy: FailedCall.remedy(error.errno, to: .read, "the state folder"))
    }

    func damaged(_ entry: Entry, of config: ResourceName) -> Diagnostic {
        Diagnostic(
            .stateDamaged, .warning, at: position(config, entry.name),
            found: "a damaged value of Config \(config)", expected: "what Heddle wrote there",
            remedy: "check the disk; remove the file: this value is lost, and no other")
    }

    func otherwise(_ entry: Entry, of config: ResourceName) -> Diagnostic {
        Diagnostic(
            .stateDamaged, .warning, at: position(config, entry.name),
            found: "a value of Config \(config) that this version makes another one of",
            expected: "what was kept, merged as it was then",
            remedy: "run the version that kept it, or choose another revision")
    }

    /// Of all that others have put there.
    func strangers(_ names: [String], of config: ResourceName) -> [Diagnostic] {
        guard let first = names.first else { return [] }
        return [
            Diagnostic(
                .stateDamaged, .warning, at: position(config, first),
                found: names.count == 1 ? "a file that is no value" : "\(names.count) files that are no values",
                expected: "nothing but what Heddle wrote there", remedy: "remove what does not belong there")
        ]
    }
}

extension Diagnostic.Code {
    /// A value of a Config that is not kept.
    package static let configHistory = Self("config.history")
}
