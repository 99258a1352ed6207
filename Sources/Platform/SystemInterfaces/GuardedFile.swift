import CLinux
import Glibc

/// A place for a file whose way nobody can bend: each folder of it is opened below the one before, following no link, and belongs to who is
/// trusted with it. What is done is done in the folder that was found, whatever stands at its path by now.
package struct GuardedFile: ~Copyable {
    /// Why the way does not lead there, and where on it.
    package enum Obstacle: Error, Hashable {
        /// A link, or no folder.
        case noFolder(String)
        /// A folder in which others than those who are trusted may put something else in the place of what is on the way.
        case openToOthers(String)
        case noRegularFile(String)
        case refused(SystemCallError, at: String)
    }

    /// What stands there.
    package struct Found: Hashable, Sendable {
        package let bytes: [UInt8]
        package let owner: UInt32
        /// Of `chmod(2)`.
        package let permissions: UInt16
    }

    private let path: String
    private let name: String
    private let folder: CInt

    /// - Parameters:
    ///   - path: Absolute, without `.`, `..` and `//`.
    ///   - owner: Whose file it is to be: trusted with the way to it, as root and this process's user are.
    package init(_ path: String, for owner: UInt32) throws(Obstacle) {
        let names = path.split(separator: "/").map(String.init)
        guard path.hasPrefix("/"), let last = names.last else { throw .noRegularFile(path) }
        let trusted: Set<UInt32> = [0, geteuid(), owner]
        var current = unsafe open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard current >= 0 else { throw .refused(SystemCallError(last: "open"), at: "/") }
        var place = ""
        for component in names.dropLast() {
            place += "/" + component
            let next = unsafe openat(current, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            let error = SystemCallError(last: "open")
            close(current)
            current = next
            guard current >= 0 else {
                throw error.errno == ELOOP || error.errno == ENOTDIR ? .noFolder(place) : .refused(error, at: place)
            }
            do throws(Obstacle) {
                try Self.check(current, at: place, trusted)
            } catch {
                close(current)
                throw error
            }
        }
        self.path = path
        name = last
        folder = current
    }

    deinit { close(folder) }

    private static func check(_ folder: CInt, at path: String, _ trusted: Set<UInt32>) throws(Obstacle) {
        var status = stat()
        guard unsafe fstat(folder, &status) == 0 else { throw .refused(SystemCallError(last: "fstat"), at: path) }
        // Where the sticky bit is, who may write cannot put something in the place of what is another's (/tmp).
        let isWritable = status.st_mode & 0o022 != 0 && status.st_mode & S_ISVTX == 0
        guard trusted.contains(status.st_uid), !isWritable else { throw .openToOthers(path) }
    }

    /// - Parameter limit: In bytes; of what is longer there is one byte more.
    /// - Returns: `nil`: nothing.
    package func found(limit: Int) throws(Obstacle) -> Found? {
        let file = unsafe openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard file >= 0 else {
            let error = SystemCallError(last: "open")
            if error.isMissing { return nil }
            throw error.errno == ELOOP ? .noRegularFile(path) : .refused(error, at: path)
        }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw .refused(SystemCallError(last: "fstat"), at: path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .noRegularFile(path) }
        do throws(SystemCallError) {
            return Found(
                bytes: try OpenFile.bytes(file, limit: limit), owner: status.st_uid,
                permissions: UInt16(status.st_mode & 0o7777))
        } catch {
            throw .refused(error, at: path)
        }
    }

    /// Puts a file in the place of whatever was found, whole, and brings it to the disk.
    /// - Parameter permissions: Of `chmod(2)`.
    package func replace(with bytes: [UInt8], owner: UInt32, permissions: UInt16) throws(Obstacle) {
        let draft = ".\(name).heddle-new"
        do throws(SystemCallError) {
            // An earlier process may have been killed here.
            guard unsafe unlinkat(folder, draft, 0) == 0 || errno == ENOENT else {
                throw SystemCallError(last: "unlink")
            }
            do throws(SystemCallError) {
                try write(bytes, as: draft, owner, permissions)
                guard unsafe renameat(folder, draft, folder, name) == 0 else { throw SystemCallError(last: "rename") }
            } catch {
                _ = unsafe unlinkat(folder, draft, 0)
                throw error
            }
            guard fsync(folder) == 0 else { throw SystemCallError(last: "fsync") }
        } catch {
            throw .refused(error, at: path)
        }
    }

    private func write(
        _ bytes: [UInt8], as draft: String, _ owner: UInt32, _ permissions: UInt16
    ) throws(SystemCallError) {
        // Closed to all but this user until it belongs to whom it shall.
        let file = unsafe openat(folder, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode_t(0o600))
        guard file >= 0 else { throw SystemCallError(last: "open") }
        defer { close(file) }
        // The folder may have a group for all that is made in it.
        guard fchown(file, owner, getegid()) == 0 else { throw SystemCallError(last: "fchown") }
        // After it was given away, as that takes rights from it; before it has content.
        guard fchmod(file, mode_t(permissions)) == 0 else { throw SystemCallError(last: "fchmod") }
        var offset = 0
        while offset < bytes.count {
            let written = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(file, buffer.baseAddress! + offset, bytes.count - offset)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw SystemCallError(last: "write") }
            offset += written
        }
        guard fsync(file) == 0 else { throw SystemCallError(last: "fsync") }
    }
}
