package import CommonValues
package import Diagnostics
import Glibc

/// One taken-up state of the folder.
package struct Generation: Sendable, Hashable {
    /// From 1, one up with each; goes on after a restart.
    package let number: UInt64
    /// Of all manifests, in 32 hexadecimal digits: the same files give the same hash on every node.
    package let hash: String

    package init(number: UInt64, hash: String) {
        self.number = number
        self.hash = hash
    }
}

/// A generation that serves.
package struct ServedGeneration: Sendable, Hashable {
    package enum Source: Sendable, Hashable {
        /// What lies in the manifests folder.
        case folder
        /// The last good set, from the state folder: what lay in the manifests folder at start was wrong.
        case lastGood
    }

    package let generation: Generation
    package internal(set) var source: Source
    package let appliedAt: UnixTime
    /// From the first event of the change to the last participant's commit.
    package let duration: Duration
    package let resourceCount: Int
    package let fileCount: Int
    /// What the decoder and the lint had to say besides errors.
    package let warnings: [Diagnostic]
}
