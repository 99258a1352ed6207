import Diagnostics
import Synchronization

/// What changes left behind that were cut off, and that stands in nobody's way: it is told for as long as it lies there.
package final class Leftovers: Sendable {
    private let found = Mutex<[Diagnostic]>([])

    package var diagnostics: [Diagnostic] { found.withLock(\.self).filter { Self.liesThere($0.position.file) } }

    /// - Parameter warnings: All that is known now. A change that was taken back has left nothing.
    func note(_ warnings: [Diagnostic]) { found.withLock { $0 = warnings.filter { $0.code != .takenBack } } }

    private static func liesThere(_ path: String) -> Bool {
        do throws(FileError) { _ = try FileAccess.facts(path, followingLinks: false) } catch { return !error.isMissing }
        return true
    }
}
