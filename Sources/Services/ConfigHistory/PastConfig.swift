package import CommonValues
package import ConfigMerging
package import ConfigValues
import Cryptography
package import Diagnostics

/// What names a value of a config: a digest of all that it says.
package enum ConfigRevision {
    /// SHA-256 of its JSON, in 64 hexadecimal digits.
    package static func of(_ value: ConfigValue) -> String { SHA256.hexadecimal(of: value.json()) }

    /// As people are shown it, and may write it.
    package static func short(_ revision: String) -> String { String(revision.prefix(shortCount)) }

    package static let shortCount = 12
}

/// What is known of a value that a Config had, but for the value.
package struct PastHeading: Sendable, Hashable {
    package let revision: String
    /// When it was published first.
    package var firstAt: UnixTime
    /// When it was published last.
    package var lastAt: UnixTime
    /// In how many values it was another one than what was published before it then; `nil`: that could not be read.
    package var changeCount: Int?

    package init(revision: String, firstAt: UnixTime, lastAt: UnixTime, changeCount: Int?) {
        self.revision = revision
        self.firstAt = firstAt
        self.lastAt = lastAt
        self.changeCount = changeCount
    }
}

/// A value that a Config had.
///
/// What is kept is all that it was made of, and not what came of it: made again it is the same value, and says of each part where that is from, what
/// it was over, what it is made of, and so who may read it.
package struct PastConfig: Sendable {
    package var heading: PastHeading
    package let recipe: ConfigRecipe

    package init(_ heading: PastHeading, _ recipe: ConfigRecipe) {
        self.heading = heading
        self.recipe = recipe
    }

    package var revision: String { heading.revision }

    /// - Parameters:
    ///   - secrets: What is secret now stays so in what was before it was.
    ///   - previous: An earlier evaluation of this, to begin from.
    ///   - check: As of `EvaluatedConfig`.
    package func evaluated(
        hiding secrets: SecretsNow = SecretsNow(), after previous: EvaluatedConfig? = nil,
        check: (ConfigValue) -> [Diagnostic] = { _ in [] }
    ) throws(ConfigRefusal) -> EvaluatedConfig {
        try EvaluatedConfig(secrets.marked(recipe), after: previous, check: check)
    }
}
