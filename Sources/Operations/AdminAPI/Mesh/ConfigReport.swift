package import ConfigMerging
package import Diagnostics

/// A Config as it is now on this node.
package struct ConfigReport: Sendable {
    /// The last good value; `nil`: there has been none.
    package var value: EvaluatedConfig?
    /// The value's, as readers know it.
    package var revision: String?
    /// Why there is none, or no newer one, and what sources that are away say.
    package var problems: [Diagnostic]

    package init(value: EvaluatedConfig? = nil, revision: String? = nil, problems: [Diagnostic] = []) {
        self.value = value
        self.revision = revision
        self.problems = problems
    }
}
