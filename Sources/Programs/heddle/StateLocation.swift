import Glibc
import SystemInterfaces

/// Where a mesh keeps its state, and so where its admin socket is.
enum StateLocation {
    /// The default for root.
    static let rootsFolder = "/var/lib/heddle"

    /// `--state`, then `HEDDLE_STATE`, then the default: `/var/lib/heddle` for root, else `$XDG_STATE_HOME/heddle`, else
    /// `~/.local/state/heddle`.
    /// - Parameter environment: a variable's value; `nil` or empty: not set.
    static func folder(
        option: String?, isRoot: Bool = geteuid() == 0, environment: (String) -> String? = Self.variable
    ) -> String {
        func set(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
        if let option { return absolute(option) }
        if let state = set("HEDDLE_STATE") { return absolute(state) }
        if isRoot { return rootsFolder }
        // The XDG specification has relative paths ignored.
        if let home = set("XDG_STATE_HOME"), home.hasPrefix("/") { return "\(home)/heddle" }
        return "\(set("HOME") ?? "")/.local/state/heddle"
    }

    /// What tells the mesh of a state folder from others of this host: each has a folder of its own, wherever that is moved.
    static func instance(of folder: String) -> String? {
        guard let signature = try? FileAccess.facts(folder, followingLinks: true).signature else { return nil }
        return "\(String(signature.device, radix: 16))-\(String(signature.inode, radix: 16))"
    }

    /// A path from the root, without looking at what is there.
    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        guard let current = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(current) }
        let folder = unsafe String(cString: current)
        return path == "." ? folder : "\(folder == "/" ? "" : folder)/\(path)"
    }

    /// Whether a folder, which need not exist yet, is another or lies below it, and not below a hidden name, which nobody reads.
    /// - Parameters: Absolute.
    static func lies(_ path: String, below folder: String) -> Bool {
        guard let folder = real(folder), let path = real(path) else { return false }
        guard path != folder else { return true }
        let prefix = folder == "/" ? "/" : folder + "/"
        return path.hasPrefix(prefix)
            && !path.dropFirst(prefix.count).split(separator: "/").contains { $0.hasPrefix(".") }
    }

    /// Without links, as far as it is there.
    private static func real(_ path: String) -> String? {
        var (there, rest) = (path, "")
        while !there.isEmpty {
            if let real = unsafe realpath(there, nil) {
                defer { unsafe free(real) }
                let text = unsafe String(cString: real)
                return rest.isEmpty ? text : (text == "/" ? "" : text) + rest
            }
            guard let slash = there.lastIndex(of: "/") else { return nil }
            if slash != there.indices.last { rest = there[slash...] + rest }
            there = slash == there.startIndex ? "/" : String(there[..<slash])
        }
        return nil
    }

    static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
