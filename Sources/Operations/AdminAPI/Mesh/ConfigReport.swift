package import ConfigMerging
package import Diagnostics

/// A Config as it is now on this node.
package struct ConfigReport: Sendable {
    /// Whether somebody on this node may be told of it. If not, no value is made of it here.
    package var isRead: Bool
    /// The last good value; `nil`: there has been none.
    package var value: EvaluatedConfig?
    /// The value's, as readers know it.
    package var revision: String?
    /// Why there is none, or no newer one, and what sources that are away say.
    package var problems: [Diagnostic]

    package init(
        isRead: Bool = true, value: EvaluatedConfig? = nil, revision: String? = nil, problems: [Diagnostic] = []
    ) {
        self.isRead = isRead
        self.value = value
        self.revision = revision
        self.problems = problems
    }
}
