package import CommonValues
package import ConfigMerging
package import Diagnostics
package import Manifests

/// What a Config was on this node.
package struct ConfigHistoryReport: Sendable {
    package struct Entry: Sendable {
        package let revision: String
        package let firstAt: UnixTime
        package let lastAt: UnixTime
        /// In how many values it was another one than what was published before it; `nil`: that is not known.
        package let changeCount: Int?

        package init(revision: String, firstAt: UnixTime, lastAt: UnixTime, changeCount: Int?) {
            self.revision = revision
            self.firstAt = firstAt
            self.lastAt = lastAt
            self.changeCount = changeCount
        }
    }

    /// From the newest to the oldest.
    package var entries: [Entry]
    /// Of what is published now; `nil`: nothing is.
    package var current: String?
    /// That it is held at; `nil`: at none.
    package var pinned: String?
    /// Of what is kept and cannot be read.
    package var problems: [Diagnostic]

    package init(entries: [Entry] = [], current: String? = nil, pinned: String? = nil, problems: [Diagnostic] = []) {
        self.entries = entries
        self.current = current
        self.pinned = pinned
        self.problems = problems
    }
}

/// What there is of a revision.
package enum PastConfigReport: Sendable {
    /// What is secret now is secret in it.
    case found(EvaluatedConfig, revision: String)
    case unknown
    /// - Parameter revisions: All that begin so.
    case ambiguous(revisions: [String])
    /// Something is there and cannot be used.
    case unreadable([Diagnostic])
}

/// A Config that is held at a past value.
package struct PinnedConfigReport: Sendable {
    package enum Sources: String, Sendable {
        case same, other
        /// One of them is away, or what they say cannot be published.
        case nothing
    }

    package let config: ResourceName
    package let revision: String
    /// When that was published first.
    package let firstAt: UnixTime
    package let sources: Sources

    package init(config: ResourceName, revision: String, firstAt: UnixTime, sources: Sources) {
        self.config = config
        self.revision = revision
        self.firstAt = firstAt
        self.sources = sources
    }
}
