import Glibc
import SystemInterfaces

/// A folder of secrets: 0700, its files 0600. Files appear whole or not at all, whenever the process is killed.
struct SecretsFolder: Sendable {
    /// As people know it.
    let path: String
    /// Where the system finds it.
    private let place: String
    /// For as long as this is used, the place leads there. `nil`: it lies in no state folder.
    private let stateFolder: HeldFolder?
    /// Nothing is written: what would be refused is looked for.
    private let isRehearsal: Bool

    /// Makes the folder in the state folder, if it is missing. One that is open to others is closed, if it is this user's own
    /// and no link: what a link leads to may be somebody else's.
    init(_ name: String, in stateFolder: HeldFolder, isRehearsal: Bool = false) throws(IdentityError) {
        path = stateFolder.path(of: name)
        self.stateFolder = stateFolder
        self.isRehearsal = isRehearsal
        guard let place = stateFolder.place(of: name) else {
            errno = stateFolder.refusal
            throw Self.failure("make", path)
        }
        self.place = place
        if isRehearsal {
            guard try lookForFolder() else { return }
        } else {
            guard unsafe mkdir(place, 0o700) == 0 || errno == EEXIST else { throw Self.failure("make", path) }
        }
        let descriptor = unsafe open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw Self.failure("look at", path) }
        guard status.st_mode & 0o077 != 0 else { return }
        var link = stat()
        guard unsafe lstat(place, &link) == 0, link.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
            throw IdentityError(
                .stateFolder, "others may enter \"\(path)\", where keys are kept, and it is a link or another user's")
        }
        guard isRehearsal || fchmod(descriptor, 0o700) == 0 else { throw Self.failure("close to others", path) }
    }

    /// Makes an empty one with a name of its own.
    /// - Parameter parent: Where; ends in a slash.
    init(emptyIn parent: String) throws(IdentityError) {
        var template = Array("\(parent).heddle-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw Self.failure("make a folder in", parent) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        place = path
        stateFolder = nil
        isRehearsal = false
    }

    /// - Returns: `false` if it is not there, and could be made.
    private func lookForFolder() throws(IdentityError) -> Bool {
        var status = stat()
        if unsafe lstat(place, &status) == 0 { return true }
        guard errno == ENOENT else { throw Self.failure("make", path) }
        let above = String(place[...(place.lastIndex(of: "/") ?? place.startIndex)])
        do throws(SystemCallError) { try FileAccess.checkWritable(above, for: "mkdir") } catch {
            throw Self.failure("make", path, error)
        }
        return false
    }

    /// Gives it another name, on the disk too. Nothing is overwritten but an empty folder (rename(2)).
    /// - Parameter parent: What holds it, before and after.
    func move(to path: String, in parent: String) throws(IdentityError) {
        guard unsafe rename(place, path) == 0 else { throw Self.failure("make", path) }
        try Self.sync(parent, named: parent)
    }

    /// Removes these files, and the folder if nothing else is in it.
    func remove(_ names: [String]) {
        for name in names {
            _ = unsafe unlink(place(of: name))
            _ = unsafe unlink(place(of: Self.draft(name)))
        }
        _ = unsafe rmdir(place)
    }

    /// As people know it.
    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Where the system finds it.
    func place(of name: String) -> String { "\(place)/\(name)" }

    private static func draft(_ name: String) -> String { name + ".new" }

    func has(_ name: String) throws(IdentityError) -> Bool {
        var status = stat()
        if unsafe stat(place(of: name), &status) == 0 { return true }
        let error = SystemCallError(last: "stat")
        guard isAbsent(name, after: error.errno) else { throw Self.failure("look at", file(name), error) }
        return false
    }

    /// Whether the call that has just failed did so because there is no such file. A link that leads nowhere is one: the
    /// authority behind it may come back, and must not be replaced by a new one meanwhile.
    private func isAbsent(_ name: String, after error: CInt) -> Bool {
        guard error == ENOENT else { return false }
        var status = stat()
        return unsafe lstat(place(of: name), &status) != 0 && errno == ENOENT
    }

    /// Largest file, in bytes: 16 MiB. Roots that were taken away, of which each lies in a file of 1 MiB at most, are kept in one.
    private static let byteLimit = 16 << 20

    /// - Returns: `nil` if there is no such file.
    func read(_ name: String) throws(IdentityError) -> [UInt8]? {
        let found: (isFile: Bool, bytes: [UInt8])
        do throws(SystemCallError) {
            found = try content(place(of: name))
        } catch {
            guard isAbsent(name, after: error.errno) else { throw Self.failure("read", file(name), error) }
            return nil
        }
        guard found.isFile else {
            throw IdentityError(.stateFolder, "cannot read \"\(file(name))\": it is not a file")
        }
        guard found.bytes.count <= Self.byteLimit else { throw tooLarge("read", name) }
        return found.bytes
    }

    /// What a FIFO or a device gives is not what was kept, and an empty record would be believed.
    private func content(_ place: String) throws(SystemCallError) -> (isFile: Bool, bytes: [UInt8]) {
        let file = try OpenFile(place)
        switch file.facts.kind {
        // Of a folder the system says itself that it is one.
        case .file, .folder: return (true, try file.bytes(limit: Self.byteLimit))
        case .link, .other: return (false, [])
        }
    }

    /// Puts `bytes` in place of the file `name`: first beside it and on the disk, then by `rename(2)`.
    func replace(_ name: String, with bytes: [UInt8]) throws(IdentityError) {
        let draft = Self.draft(name)
        if isRehearsal {
            do throws(SystemCallError) { try FileAccess.checkWritable(place, for: "open") } catch {
                // A folder that is not there has been looked for.
                guard error.isMissing else { throw Self.failure("write", file(draft), error) }
            }
            return
        }
        // What could not be read again is not written.
        guard bytes.count <= Self.byteLimit else { throw tooLarge("write", name) }
        let writer = FileWriter()
        do throws(SystemCallError) {
            try writer.remove(place(of: draft))  // a killed process may have left one
            try writer.create(place(of: draft), bytes)
        } catch {
            throw Self.failure("write", file(draft), error)
        }
        do throws(SystemCallError) {
            try writer.rename(place(of: draft), to: place(of: name))
        } catch {
            throw Self.failure("write", file(name), error)
        }
        // The rename itself must be on the disk before anyone trusts what the file says.
        try Self.sync(place, named: path)
    }

    private static func sync(_ place: String, named path: String) throws(IdentityError) {
        let folder: OpenFolder
        do throws(SystemCallError) { folder = try OpenFolder(place) } catch { throw failure("open", path, error) }
        guard fsync(folder.descriptor) == 0 else { throw failure("write", path) }
    }

    private func tooLarge(_ action: String, _ name: String) -> IdentityError {
        IdentityError(.stateFolder, "cannot \(action) \"\(file(name))\": it is larger than \(Self.byteLimit) bytes")
    }

    /// - Parameter error: `nil`: of the system call that has just failed.
    private static func failure(_ action: String, _ path: String, _ error: SystemCallError? = nil) -> IdentityError {
        let error = error ?? SystemCallError(last: action)
        return IdentityError(
            .stateFolder, "cannot \(action) \"\(path)\": \(error.reason)", systemError: error.errno)
    }
}
