package import Diagnostics
import Glibc
import SystemInterfaces

/// Which files of this host manifests may name. A folder of manifests is the host's own, and may name all; who writes a set
/// that comes from elsewhere may name what lies below certain folders alone: the one rule for every field that is a path.
package struct FileBoundary: Sendable {
    /// Absolute, without dots and links' ends; `nil`: there is no boundary.
    private let folders: [String]?
    /// Where relative paths begin; absolute.
    package let base: String

    /// Manifests of a folder.
    package init(ofFolder folder: String) {
        folders = nil
        base = folder
    }

    /// - Parameters:
    ///   - folders: Absolute; none: no file may be named at all.
    ///   - elsewhere: Where relative paths begin if there is none: a name for what is not there.
    package init(below folders: [String], elsewhere: String) {
        self.folders = folders.map(Self.withoutDots)
        base = self.folders?.first ?? elsewhere
    }

    /// Whether anything may lie outside.
    package var isBounded: Bool { folders != nil }

    /// What is wrong with a path as it is written.
    package func mistake(in path: String, at position: SourcePosition) -> Diagnostic? {
        guard let folders else { return nil }
        let absolute = path.hasPrefix("/") ? path : FileAccess.path(path, in: base)
        let isPlain = !absolute.split(separator: "/").contains { $0 == ".." } && !path.utf8.contains(0)
        if isPlain, folders.contains(where: { Self.lies(Self.withoutDots(absolute), below: $0) }) { return nil }
        return outside(Diagnostic.quoted(path), at: position)
    }

    /// What is wrong with where a path leads, links and all, as they are now.
    package func strays(_ path: String, at position: SourcePosition) -> Diagnostic? {
        if let mistake = mistake(in: path, at: position) { return mistake }
        guard let folders else { return nil }
        let absolute = Self.withoutDots(path.hasPrefix("/") ? path : FileAccess.path(path, in: base))
        for folder in folders where Self.lies(absolute, below: folder) {
            guard let end = Self.end(of: absolute), let realFolder = Self.end(of: folder) else { continue }
            if Self.lies(end, below: realFolder) { return nil }
        }
        return outside("\(Diagnostic.quoted(path)), where links lead elsewhere", at: position)
    }

    private func outside(_ found: String, at position: SourcePosition) -> Diagnostic {
        let folders = folders ?? []
        return Diagnostic(
            .fileOutside, at: position, found: found,
            expected: folders.isEmpty
                ? "no file: these manifests come from elsewhere, and were given no folder for files"
                : "a file below \(folders.joined(separator: " or ")): these manifests come from elsewhere",
            remedy: folders.isEmpty
                ? "start heddle with --files-below and the folder that such files lie in"
                : "put the file there, or start heddle with one more --files-below")
    }

    private static func lies(_ path: String, below folder: String) -> Bool {
        path.utf8.starts(with: (folder == "/" ? "/" : folder + "/").utf8) && path.utf8.count > folder.utf8.count + 1
    }

    /// Without empty names and single dots, which mean nothing, and without a slash at the end.
    private static func withoutDots(_ path: String) -> String {
        "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }

    /// Where it leads, without links: of what is there. Nothing is known of what stands behind a link that leads nowhere.
    private static func end(of path: String) -> String? {
        var (there, rest) = (path, "")
        while true {
            if let real = unsafe realpath(there, nil) {
                defer { unsafe free(real) }
                let end = unsafe String(cString: real)
                return rest.isEmpty ? end : (end == "/" ? "" : end) + rest
            }
            guard errno == ENOENT, FileAccess.isAbsent(there), let slash = there.lastIndex(of: "/"), there != "/" else {
                return nil
            }
            rest = there[slash...] + rest
            there = slash == there.startIndex ? "/" : String(there[..<slash])
        }
    }
}

extension Diagnostic.Code {
    /// Manifests that come from elsewhere name a file outside of the folders that they may.
    package static let fileOutside = Self("manifest.file-outside")
}
