import Attestation
import Glibc
package import SystemInterfaces

/// What `/proc` says of a process (proc_pid(5)). It may be another's by now: `ProcessHandle` knows.
package struct ProcessFolder: Hashable, Sendable {
    package let pid: Int32
    /// Whose facts count, where it is one of its threads that has something open.
    let thread: Int32?
    var path: String { thread.map { "/proc/\(pid)/task/\($0)" } ?? "/proc/\(pid)" }

    package init(_ pid: Int32) { self.init(pid, thread: nil) }

    init(_ pid: Int32, thread: Int32?) {
        self.pid = pid
        self.thread = thread
    }

    /// Which file that is, whatever is done to its names.
    struct ExecutableFile: Hashable, Sendable {
        private let device: UInt
        private let inode: UInt

        init(_ signature: FileSignature) {
            device = signature.device
            inode = signature.inode
        }
    }

    /// Why something is not known, in words.
    package struct Unknown: Error, Hashable {
        package let reason: String

        init(_ reason: String) { self.reason = reason }

        init(_ error: SystemCallError, reading what: String) {
            self.init(
                error.errno == EACCES || error.errno == EPERM
                    ? "not allowed to look at \(what): \(LookingCapability.text(missing: LookingCapability.missing))"
                    : "\(what): \(error.reason)")
        }
    }

    // MARK: Facts

    /// Whose it is, and as whom it acts.
    func users() throws(Unknown) -> (real: UInt32, effective: UInt32) { try accounts("Uid:") }

    /// The same of its groups.
    func groups() throws(Unknown) -> (real: UInt32, effective: UInt32) { try accounts("Gid:") }

    private func accounts(_ name: String) throws(Unknown) -> (real: UInt32, effective: UInt32) {
        for line in try text("status").split(separator: "\n") where line.hasPrefix(name) {
            let numbers = line.dropFirst(name.utf8.count).split(whereSeparator: { $0 == "\t" || $0 == " " })
            if numbers.count == 4, let real = UInt32(numbers[0]), let effective = UInt32(numbers[1]) {
                return (real, effective)
            }
        }
        throw Unknown("\(path)/status has no \(name)")
    }

    /// Its control group of version 2, from the root of the hierarchy (cgroups(7)).
    package func controlGroup() throws(Unknown) -> String {
        for line in try text("cgroup").split(separator: "\n") where line.hasPrefix("0::/") {
            return String(line.dropFirst(3))
        }
        throw Unknown("it is in no control group of version 2")
    }

    /// The file it executes, and the path at which that very file lies for it: with our mounts, or the host's.
    func executable() throws(Unknown) -> (path: String, file: ExecutableFile) {
        let mounts = try link("ns/mnt")
        // A service may be given mounts of its own, without the host's /home and /tmp: what lies there is looked for as the first
        // process sees it.
        let root: String
        if try mounts == Self.ownMounts.get() {
            root = ""
        } else if mounts == (try? Self.first.link("ns/mnt")) {
            root = Self.first.path + "/root"
        } else {
            throw Unknown("it sees other mounts than this host's")
        }
        let file = try link("exe")
        let running = try executableFile()
        let lying: FileSignature
        do throws(SystemCallError) { lying = try FileAccess.facts(root + file, followingLinks: true).signature } catch {
            throw Unknown(
                error.isMissing
                    ? "the file it executes is not at \(Self.shown(file)) any more"
                    : "\(Self.shown(file)): \(error.reason)")
        }
        guard ExecutableFile(lying) == running else {
            throw Unknown("the file it executes is not the one at \(Self.shown(file)) any more")
        }
        return (file, running)
    }

    /// A path within a reason, which has room for it.
    private static func shown(_ path: String) -> String { path.quoted(within: 128) }

    /// The file it executes, wherever it lies.
    func executableFile() throws(Unknown) -> ExecutableFile {
        do throws(SystemCallError) {
            return ExecutableFile(try FileAccess.facts(path + "/exe", followingLinks: true).signature)
        } catch {
            throw Unknown(error, reading: "its executable")
        }
    }

    /// Its executable, to be read: the file itself, wherever it lies.
    package func openExecutable() throws(Unknown) -> OpenFile {
        do throws(SystemCallError) { return try OpenFile(path + "/exe") } catch {
            throw Unknown(error, reading: "its executable")
        }
    }

    /// Whether what it has open can be looked at, which is how it is found at the other end of a connection of TCP: that takes
    /// `CAP_DAC_READ_SEARCH` for the list, and `CAP_SYS_PTRACE` for what is in it.
    package var isOpenToLooks: Bool {
        do throws(SystemCallError) {
            let folder = "/proc/\(pid)/fd"
            var entries = try FolderEntries(folder)
            while let entry = try entries.next() {
                guard let name = entry.name, Int32(name) != nil else { continue }
                _ = try FileAccess.target(ofLink: "\(folder)/\(name)")
                return true
            }
            return true
        } catch {
            // One that has ended needs nobody's look.
            return error.errno != EACCES && error.errno != EPERM
        }
    }

    /// Ticks of 1/100 s from the system's start to its process's own.
    /// - Throws: It is not there (`saysGone`), or cannot be read.
    package func startTicks() throws(SystemCallError) -> UInt64 { try status(19) }

    /// The process that has started it, or taken it over; 0: none that is seen here; `nil`: it is not known.
    var parent: Int32? { try? status(1) }

    /// What `stat` says of its process, behind the name (proc_pid_stat(5)).
    private func status<Number: FixedWidthInteger>(_ index: Int) throws(SystemCallError) -> Number {
        let text = try ProcessFolder(pid).content("stat")
        // What stands in brackets is a name that may have brackets and blanks.
        let fields = text.lastIndex(of: ")").map { text[text.index(after: $0)...].split(separator: " ") } ?? []
        guard fields.count > index, let number = Number(fields[index]) else {
            throw SystemCallError("read", errno: EBADMSG)
        }
        return number
    }

    // MARK: Reading

    /// The host's.
    private static let first = ProcessFolder(1)

    /// The mounts that this process sees.
    private static let ownMounts = Result<[UInt8], Unknown> { () throws(Unknown) in
        guard let target = target(of: "/proc/self/ns/mnt") else { throw Unknown("/proc says nothing of mounts") }
        return target
    }.map { String(decoding: $0, as: UTF8.self) }

    private func text(_ name: String) throws(Unknown) -> String {
        do throws(SystemCallError) { return try content(name) } catch {
            throw error.saysGone ? Unknown("it has ended") : Unknown(error, reading: name)
        }
    }

    /// At most 64 KiB.
    private func content(_ name: String) throws(SystemCallError) -> String {
        let file = try OpenFile("\(path)/\(name)")
        return String(decoding: try file.bytes(limit: 65_536), as: UTF8.self)
    }

    private func link(_ name: String) throws(Unknown) -> String {
        guard let target = Self.target(of: "\(path)/\(name)") else {
            let error = SystemCallError(last: "readlink")
            throw error.saysGone
                ? Unknown("it has ended") : Unknown(error, reading: "its \(name)")
        }
        guard let text = String(validating: target, as: UTF8.self) else { throw Unknown("its \(name) is not UTF-8") }
        return text
    }

    private static func target(of link: String) -> [UInt8]? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4097) { buffer in
            let count = unsafe readlink(link, buffer.baseAddress!, buffer.count)
            // One that fills it may have been cut.
            guard count >= 0, count < buffer.count else { return nil }
            return unsafe buffer[..<count].map { UInt8(bitPattern: $0) }
        }
    }
}

extension SystemCallError {
    /// Of a process: it is not there any more. Nothing else that stands in the way of a look at it says so.
    var saysGone: Bool { isMissing || errno == ESRCH }
}
