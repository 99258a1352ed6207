import Glibc
import SystemInterfaces

/// Collects the watches of one reading.
final class Watching {
    /// Of folders, by path.
    private(set) var watches: [String: CInt] = [:]
    /// Of manifests that are watched themselves.
    private(set) var manifests: [CInt: [String]] = [:]
    /// Of certificates and keys that are.
    private(set) var watchedFiles: Set<CInt> = []
    private(set) var alone: [String: WatchedAlone] = [:]
    /// There are more folders than watches to be had.
    private(set) var isOverLimit = false
    private var readFolders: Set<String> = []
    private var count = 0
    private let limit: Int
    /// `nil`: nothing is watched.
    private let descriptor: CInt?

    init(limit: Int, on descriptor: CInt?) {
        self.limit = limit
        self.descriptor = descriptor
    }

    func add(_ folder: String, _ interest: FolderListing.Interest) {
        guard let descriptor else { return }
        guard watches[folder] == nil || (interest == .contents && !readFolders.contains(folder)) else { return }
        if interest == .contents { readFolders.insert(folder) }
        guard watches[folder] != nil || take() else {
            isOverLimit = true
            return
        }
        do throws(InotifyQueue.Failure) {
            watches[folder] = try InotifyQueue.watch(folder, for: interest, on: descriptor)
        } catch {
            switch error {
            case .limitReached: isOverLimit = true
            case .other(let error):
                // Of one that is gone by now the event of the one above says so. Any other may still be listed, or lead on.
                guard !error.isMissing, error.errno != ENOTDIR else { return }
                alone[folder] = WatchedAlone(path: folder, reason: .unwatchable(error.reason), isPolled: true)
            }
        }
    }

    /// A manifest that is not told of enough by its folder.
    func add(file manifest: String, at path: String, because reason: WatchedAlone.Reason) {
        guard let watch = watch(manifest, at: path, because: reason) else { return }
        manifests[watch, default: []].append(manifest)
    }

    /// A certificate or key, if it is such a one.
    func add(watchedFile path: String, _ trace: PathTracer) {
        guard case .existing(let target, .file) = trace.destination else { return }
        do throws(SystemCallError) {
            let facts = try FileAccess.facts(target, followingLinks: false)
            guard let reason = FileAccess.soloReason(target, facts),
                let watch = watch(path, at: target, because: reason)
            else { return }
            watchedFiles.insert(watch)
        } catch {}  // it has just changed, and its folder is watched
    }

    /// - Returns: `nil` if it must be polled instead.
    private func watch(_ name: String, at path: String, because reason: WatchedAlone.Reason) -> CInt? {
        guard let descriptor else { return nil }
        var watch: CInt?
        if take() {
            do throws(InotifyQueue.Failure) { watch = try InotifyQueue.watch(file: path, on: descriptor) } catch {}
        }
        alone[name] = WatchedAlone(path: name, reason: reason, isPolled: watch == nil)
        return watch
    }

    private func take() -> Bool {
        count += 1
        return count <= limit
    }
}
