package import CommonValues
package import ConfigHistory
package import ConfigMerging
import ConfigValues
package import Diagnostics
package import Manifests

/// A Config as it is now on this node.
package struct PublishedConfig: Sendable {
    package let name: ResourceName
    /// Whether somebody on this node may be told of it. If not, no value is made of it here.
    package var isRead = true
    /// The last good value; `nil`: there has been none.
    package var value: ConfigVersion?
    /// A source has not said its first word yet, which takes it a few seconds at most: nothing is wrong so far.
    package var isAwaited = false
    /// Why the last try gave none, or what its sources say that are away. Errors, and warnings.
    package var problems: [Diagnostic] = []
    package var sources: [SourceStatus] = []
    /// The past value that it is held at; `nil`: it is what its sources make of it, or the last good value for want of the pinned one.
    package var pin: HeldPin?
    /// What is hidden of its past values.
    package var secrets = SecretsNow()
    /// Values that it came to have, since it is followed.
    package var changes: UInt64 = 0
    /// Of what it would have become and was not.
    package var refusals: UInt64 = 0
}

/// A past value that is published instead of what the sources say.
package struct HeldPin: Sendable {
    /// What the sources make now.
    package enum Sources: String, Sendable {
        case same, other
        /// One of them is away, or what they say cannot be published.
        case nothing
    }

    /// All 64 digits.
    package let revision: String
    /// When it was published first.
    package let firstAt: UnixTime
    package let sources: Sources
}

/// A value that a Config had.
package final class ConfigVersion: Sendable {
    package let evaluated: EvaluatedConfig
    /// What is kept of it: of a past value without what is hidden for the moment.
    let recipe: ConfigRecipe
    /// SHA-256 of its JSON, in hexadecimal digits.
    package let revision: String
    package let views: LeafPaths
    let madeAt = UnixTime.now
    let documents = SharedDocuments()

    /// - Parameter recipe: What is kept of it; `nil`: what it is made of.
    init(_ evaluated: EvaluatedConfig, revision: String, keeping recipe: ConfigRecipe? = nil) {
        self.evaluated = evaluated
        self.recipe = recipe ?? evaluated.recipe
        self.revision = revision
        views = LeafPaths(evaluated)
    }

    /// Says the same, from the same places, and to the same readers: what a value is made of may change while it stays.
    func isSame(as other: ConfigVersion) -> Bool {
        revision == other.revision && evaluated.value.isExactly(other.evaluated.value) && views == other.views
    }
}

package struct SourceStatus: Sendable {
    package let name: ResourceName
    package let type: SourceType
    /// When it last said something that can be read; `nil`: never.
    package var since: ContinuousClock.Instant?
    /// `revision 42`, an entity tag.
    package var version: String?
    /// Why it is away; empty: it is not.
    package var problems: [Diagnostic] = []
    /// How often what it holds has changed.
    package var changes = 0

    package init(name: ResourceName, type: SourceType) {
        self.name = name
        self.type = type
    }
}

extension Sequence<PublishedConfig> {
    /// A source that several configs read is away once.
    package var problems: [Diagnostic] {
        var seen: Set<Diagnostic> = []
        return flatMap(\.problems).filter { seen.insert($0).inserted }
    }
}
