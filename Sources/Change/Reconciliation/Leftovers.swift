package import Diagnostics
import Synchronization
import SystemInterfaces

/// What changes left behind that were cut off, and that stands in nobody's way: it is told for as long as it lies there.
package final class Leftovers: Sendable {
    private let found = Mutex<[Diagnostic]>([])

    package var diagnostics: [Diagnostic] { found.withLock(\.self).filter { FileAccess.exists($0.position.file) } }

    /// - Parameter warnings: All that is known now. A change that was taken back has left nothing.
    func note(_ warnings: [Diagnostic]) { found.withLock { $0 = warnings.filter { $0.code != .takenBack } } }
}
