import Glibc

/// Writes files so that a reader, or a machine that loses power, sees the old bytes or the new ones, never others.
enum FileWriter {
    /// Writes all bytes to a new file and brings them to the disk.
    static func create(_ path: String, _ bytes: [UInt8], permissions: mode_t) throws(FileError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, permissions)
        guard descriptor >= 0 else { throw FileError(call: "open", errno: errno) }
        defer { close(descriptor) }
        // The umask may have narrowed what an existing file had.
        guard fchmod(descriptor, permissions) == 0 else { throw FileError(call: "fchmod", errno: errno) }
        var offset = 0
        while offset < bytes.count {
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe write(descriptor, buffer.baseAddress! + offset, bytes.count - offset)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw FileError(call: "write", errno: errno) }
            offset += written
        }
        guard fsync(descriptor) == 0 else { throw FileError(call: "fsync", errno: errno) }
    }

    static func rename(_ path: String, to target: String) throws(FileError) {
        guard unsafe Glibc.rename(path, target) == 0 else { throw FileError(call: "rename", errno: errno) }
    }

    /// What is not there counts as removed.
    static func remove(_ path: String) throws(FileError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw FileError(call: "unlink", errno: errno) }
    }

    /// Brings the names in a folder to the disk.
    static func sync(folder path: String) throws(FileError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(call: "open", errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError(call: "fsync", errno: errno) }
    }

    /// Makes a folder and those above it, readable by the owner alone.
    static func makePrivateFolder(_ path: String) throws(FileError) {
        if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw FileError(call: "mkdir", errno: errno)
        }
        try makePrivateFolder(String(path[..<slash]))
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileError(call: "mkdir", errno: errno) }
    }

    /// A path without links.
    static func realPath(_ path: String) throws(FileError) -> String {
        guard let resolved = unsafe realpath(path, nil) else { throw FileError(call: "realpath", errno: errno) }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}
