import Glibc

extension FileAccess {
    /// Whether a Unix socket stands at a path to which every user of this host may connect: that takes the right to write to it, and to
    /// go through each folder that leads there (unix(7)).
    package static func mayBeConnectedByAll(_ path: String) -> Bool {
        guard let real = unsafe realpath(path, nil) else { return false }
        defer { unsafe free(real) }
        let socket = unsafe String(cString: real)
        guard let facts = try? facts(socket, followingLinks: false), facts.kind == .other("a socket"),
            facts.permissions & 0o002 != 0
        else { return false }
        let folders = socket.split(separator: "/").dropLast()
        return folders.indices.allSatisfy { index in
            let folder = "/" + folders[...index].joined(separator: "/")
            return (try? Self.facts(folder, followingLinks: false)).map { $0.permissions & 0o001 != 0 } ?? false
        }
    }
}
