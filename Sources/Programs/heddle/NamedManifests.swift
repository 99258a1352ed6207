import Diagnostics
import Glibc
import Reconciliation

/// Manifests that a person named on a command line: a folder, a file, or a stream that is open already.
struct NamedManifests {
    /// By path, as the person would name it.
    let files: [(path: String, bytes: [UInt8])]
    /// The same, by their paths relative to the folder.
    let sources: [ManifestSource]
    let isFolder: Bool
    let problems: [Diagnostic]
    /// Of what lies beside them.
    let warnings: [Diagnostic]
    /// That relative paths in them start from; absolute.
    let folder: String

    /// - Parameter path: `-` is standard input.
    init(at path: String) {
        let absolute = StateLocation.absolute(path)
        if let descriptor = Self.stream(path) {
            let name = path == "-" ? "standard input" : path
            self.init(FolderScan(ofStream: descriptor, as: name), folder: StateLocation.absolute(".")) { $0 }
        } else if Self.isFolder(absolute) {
            let prefix = path == "." ? "" : path.hasSuffix("/") ? path : path + "/"
            self.init(FolderScan(of: absolute), folder: absolute, isFolder: true) { $0 == "." ? path : prefix + $0 }
        } else {
            self.init(FolderScan(ofFile: absolute, as: path), folder: StateLocation.absolute(".")) { $0 }
        }
    }

    private init(_ scan: FolderScan, folder: String, isFolder: Bool = false, _ name: (String) -> String) {
        sources = scan.files
        self.isFolder = isFolder
        files = scan.files.map { (name($0.path), $0.bytes) }
        problems = scan.problems.map { $0.moved(to: name($0.position.file)) }
        warnings = scan.warnings
        self.folder = folder
    }

    /// The descriptor that a path stands for: to open it again would not work for a pipe, such as a shell's `<(…)` is, of
    /// another user, and is no use for a socket.
    /// - Returns: `nil` for any other path, and for a folder.
    private static func stream(_ path: String) -> CInt? {
        let names = ["/dev/stdin": "0", "-": "0"]
        let prefix = ["/dev/fd/", "/proc/self/fd/"].first(where: path.hasPrefix) ?? ""
        let number = names[path] ?? (prefix.isEmpty ? "" : String(path.dropFirst(prefix.count)))
        guard let descriptor = CInt(number), descriptor >= 0 else { return nil }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        return status.st_mode & S_IFMT == S_IFDIR ? nil : descriptor
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
