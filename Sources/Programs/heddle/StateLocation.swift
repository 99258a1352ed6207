import Glibc

/// Where a mesh keeps its state, and so where its admin socket is.
enum StateLocation {
    /// The name of the admin socket in the state folder.
    static let socketName = "admin.sock"
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

    /// A path from the root, without looking at what is there.
    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/") else { return path }
        guard let current = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(current) }
        let folder = unsafe String(cString: current)
        return path == "." ? folder : "\(folder == "/" ? "" : folder)/\(path)"
    }

    static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
