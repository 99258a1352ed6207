import CLinux
import Glibc
import SystemInterfaces

/// Which of some sockets one process has open, looked for a slice at a time. Nothing of it is held open between two slices.
struct OpenSockets {
    /// What was seen of it in one slice.
    struct Sighting {
        /// By inode, each with the group that its maker acted with when it was made.
        let sockets: [UInt32: UInt32]
        let handle: ProcessHandle
        /// Of the process, or of the thread that has them.
        let folder: ProcessFolder
    }

    private let pid: Int32
    /// When it began, once its look was interrupted: another of its number is another.
    private var ticks: UInt64?
    private var table = Table.whole
    /// In the table that is looked at.
    private var position = 0
    /// In the list of its threads.
    private var threadPosition = 0

    private enum Table: Equatable {
        /// That of the process: all its threads have it, but for those that have one of their own.
        case whole
        /// Between two threads' tables.
        case none
        case thread(Int32)
    }

    init(_ pid: Int32) { self.pid = pid }

    /// - Parameters:
    ///   - wanted: By inode; the look is over when all of them were seen in one table.
    ///   - isOver: Set when it is.
    /// - Throws: What stands in the way of looking; then it is over, too.
    mutating func goOn(
        _ wanted: Set<UInt32>, _ slice: inout Slice, isOver: inout Bool
    ) throws(Obstacle) -> Sighting? {
        slice.spend(12)
        isOver = true
        let handle: ProcessHandle
        // Before it is looked at: what is found is this one's, if it lives on after the look.
        do throws(SystemCallError) { handle = try ProcessHandle(pid: pid) } catch {
            guard error.errno == ESRCH else { throw Obstacle(error) }
            return nil
        }
        if let ticks {
            guard try Self.startTicks(handle) == ticks else { return nil }
        }
        var sockets: [UInt32: UInt32] = [:]
        let folder: ProcessFolder
        do throws(SystemCallError) {
            folder = try look(for: wanted, &slice, &sockets, isOver: &isOver)
        } catch {
            isOver = true
            guard handle.isAlive else { return nil }
            throw Obstacle(error)
        }
        if !isOver, ticks == nil {
            do throws(Obstacle) { ticks = try Self.startTicks(handle) } catch {
                isOver = true
                throw error
            }
        }
        guard handle.isAlive else {
            isOver = true
            return nil
        }
        return sockets.isEmpty ? nil : Sighting(sockets: sockets, handle: handle, folder: folder)
    }

    /// - Returns: `nil`: it has ended.
    private static func startTicks(_ handle: ProcessHandle) throws(Obstacle) -> UInt64? {
        do throws(SystemCallError) { return try handle.folder.startTicks() } catch {
            guard error.saysGone else { throw Obstacle(error) }
            return nil
        }
    }

    /// Something stands in the way of looking at a process.
    struct Obstacle: Error {
        let reason: ProcessFolder.Unknown
        /// It would of any other, too: who is not seen for that may be one of those who have a socket.
        let isShortage: Bool

        init(_ error: SystemCallError) {
            reason = ProcessFolder.Unknown(error, reading: "what it has open")
            isShortage = error.isOutOfDescriptors || error.errno == ENOMEM
        }
    }

    /// - Returns: Where `sockets` were seen.
    private mutating func look(
        for wanted: Set<UInt32>, _ slice: inout Slice, _ sockets: inout [UInt32: UInt32], isOver: inout Bool
    ) throws(SystemCallError) -> ProcessFolder {
        while true {
            if table == .none {
                guard try findTable(&slice) else {
                    isOver = table == .none && !slice.isOver
                    return ProcessFolder(pid)
                }
            }
            var folder = ProcessFolder(pid)
            if case .thread(let thread) = table { folder = ProcessFolder(pid, thread: thread) }
            let isWhole = try lookAtTable(of: folder, wanted, &slice, &sockets)
            isOver = sockets.count == wanted.count
            guard isWhole, !isOver else { return folder }
            table = .none
            position = 0
            // What was seen is told with where it was.
            if !sockets.isEmpty || slice.isOver {
                isOver = false
                return folder
            }
        }
    }

    /// - Returns: Whether it was looked at to its end.
    private mutating func lookAtTable(
        of folder: ProcessFolder, _ wanted: Set<UInt32>, _ slice: inout Slice, _ sockets: inout [UInt32: UInt32]
    ) throws(SystemCallError) -> Bool {
        do throws(SystemCallError) {
            var entries = try FolderEntries("\(folder.path)/fd", from: position)
            while let entry = try entries.next() {
                slice.spend(1)
                position = entry.next
                if let name = entry.name, let socket = try Self.socket(named: name, in: entries),
                    wanted.contains(socket), let group = try Self.group(ofSocket: socket, named: name, in: entries)
                {
                    sockets[socket] = group
                    if sockets.count == wanted.count { return true }
                }
                if slice.isOver { return false }
            }
        } catch {
            // A thread may end while its process goes on.
            guard folder.thread != nil, error.isMissing || error.errno == ESRCH else { throw error }
        }
        return true
    }

    /// `socket:[4026]`.
    private static func socket(
        named name: String, in entries: borrowing FolderEntries
    ) throws(SystemCallError) -> UInt32? {
        do throws(SystemCallError) {
            return unsafe try entries.target(ofLink: name, limit: 32) { target -> UInt32? in
                let prefix: StaticString = "socket:["
                guard
                    unsafe target.starts(
                        with: UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount)),
                    unsafe target.last == UInt8(ascii: "]")
                else { return nil }
                var number: UInt32 = 0
                for index in prefix.utf8CodeUnitCount..<target.count - 1 {
                    let byte = unsafe target[index]
                    guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
                    // The kernel's own answer has as many bits.
                    number = number &* 10 &+ UInt32(byte &- UInt8(ascii: "0"))
                }
                return number
            }
        } catch {
            // Closed since it was listed.
            guard error.isMissing else { throw error }
            return nil
        }
    }

    /// The group that the maker of a socket acted with, which the socket keeps, whoever has it. A process's own group says nothing of
    /// it: who runs a program of another group (set-group-ID) may leave it a socket of his.
    /// - Returns: `nil`: it was closed since it was listed.
    private static func group(
        ofSocket socket: UInt32, named name: String, in entries: borrowing FolderEntries
    ) throws(SystemCallError) -> UInt32? {
        do throws(SystemCallError) {
            let facts = try entries.facts(behindLink: name)
            // What has been put in its place meanwhile is no socket of this kind, or another one.
            guard facts.signature.inode == UInt(socket), facts.signature.device == device else { return nil }
            return facts.ownership.group
        } catch {
            guard error.isMissing else { throw error }
            return nil
        }
    }

    /// Where all sockets are.
    private static let device: UInt? = {
        let own = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard own >= 0 else { return nil }
        defer { close(own) }
        return try? FileAccess.facts("/proc/self/fd/\(own)", followingLinks: true).signature.device
    }()

    // MARK: Threads (unshare(2), CLONE_FILES)

    /// The next thread that has a table of its own.
    /// - Returns: `false`: there is none, or the slice is over.
    private mutating func findTable(_ slice: inout Slice) throws(SystemCallError) -> Bool {
        let tasks = "\(ProcessFolder(pid).path)/task"
        slice.spend(3)
        // A folder has two names besides those of its folders: one thread, and nothing to find.
        if threadPosition == 0, try FileAccess.facts(tasks, followingLinks: false).linkCount <= 3 { return false }
        var entries = try FolderEntries(tasks, from: threadPosition)
        while let entry = try entries.next() {
            slice.spend(2)
            threadPosition = entry.next
            // Where the kernel does not compare them, it is as if they all had one.
            if let thread = entry.name.flatMap({ Int32($0) }), thread != pid, CLinux_compare_tables(pid, thread) == 1 {
                table = .thread(thread)
                return true
            }
            if slice.isOver { return false }
        }
        return false
    }
}
