import Glibc

enum AbsolutePath {
    /// A path as seen from the root. Links in it stay links: each of their hops is watched.
    static func of(_ path: String) -> String {
        guard !path.hasPrefix("/"), let folder = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(folder) }
        return path == "." ? unsafe String(cString: folder) : unsafe "\(String(cString: folder))/\(path)"
    }
}
