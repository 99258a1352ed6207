import ConfigFormats
import Diagnostics
import Manifests
import Reconciliation
package import ServiceContracts
import Synchronization
import SystemInterfaces

/// Files that somebody writes: one document, or a folder with a key a file. A change is noticed as one of the manifests is.
package final class FileBackend: ConfigSourceBackend {
    enum Meaning: Sendable {
        /// - names: Of one in dotenv.
        case document(ConfigFormat, DotenvNames)
        /// A key a file, nested by subfolder.
        case keys(TextTypes)
    }

    private let path: String
    /// The same, as people read it.
    private let place: String
    private let meaning: Meaning
    private let source: SourceLabel
    private let watcher = Mutex<FolderWatcher?>(nil)

    /// - Parameter path: Absolute.
    init(_ path: String, _ meaning: Meaning, _ source: SourceLabel) {
        self.path = path
        place = FileAccess.normalized(path)
        self.meaning = meaning
        self.source = source
    }

    package func start(_ tell: @escaping @Sendable (ConfigSourceNews) -> Void) {
        let (folder, name) = Self.divided(path)
        var settings =
            switch meaning {
            case .document: FolderWatcher.Settings(folder: folder)
            case .keys: FolderWatcher.Settings(folder: path)
            }
        switch meaning {
        case .document: settings.selection = .file(name)
        case .keys: settings.selection = .everyFile
        }
        do throws(WatcherError) {
            let watcher = try FolderWatcher(settings)
            self.watcher.withLock { $0 = watcher }
            Task { [self] in
                for await reading in watcher.readings {
                    if let news = news(of: reading) { tell(news) }
                }
            }
        } catch {
            tell(
                source.away(
                    place, "\(error)", expected: "a file that can be watched", remedy: "mend that, and start anew"))
        }
    }

    package func stop() { watcher.withLock { $0 }?.stop() }

    /// - Returns: `nil`: what there is, is being written, and nothing of it has counted yet.
    private func news(of reading: FolderReading) -> ConfigSourceNews? {
        guard reading.unknown.isEmpty else { return nil }
        if let problem = reading.problems.first {
            return away(because: problem)
        }
        switch meaning {
        case .document(let format, let names):
            guard let file = reading.files.first else {
                return source.away(place, "nothing", expected: "a file", remedy: "make it, or correct the path")
            }
            return source.document(file.bytes, format, names, from: place)
        case .keys(let types):
            let tree = TextTree(
                source: source, isInferred: types == .infer, noun: "a file", position: .place(place))
            return tree.news(
                reading.files.map { file in
                    TextTree.Leaf(
                        path: file.path.split(separator: "/").map(String.init), text: Self.withoutLineBreak(file.bytes),
                        position: .place(FileAccess.path(file.path, in: place)))
                })
        }
    }

    /// In words for a source: what is told of files that way is meant for manifests.
    private func away(because problem: Diagnostic) -> ConfigSourceNews {
        let readable = meaning.isDocument ? "a file that can be read" : "a folder that can be read"
        let (expected, remedy) =
            switch problem.code {
            case .folderMissing: (readable, "make it, or correct the path")
            case .notAFile: ("a file", "put one there, or correct the path")
            case .fileTooLarge: (problem.expected, problem.remedy)
            default: (readable, problem.remedy)
            }
        return source.away(place, problem.found, expected: expected, remedy: remedy)
    }

    /// The one at the end, which editors put there, is no part of a value.
    static func withoutLineBreak(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        return bytes
    }

    private static func divided(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("/", path) }
        return (slash == path.startIndex ? "/" : String(path[..<slash]), String(path[path.index(after: slash)...]))
    }
}

extension FileBackend.Meaning {
    fileprivate var isDocument: Bool {
        if case .document = self { true } else { false }
    }
}
