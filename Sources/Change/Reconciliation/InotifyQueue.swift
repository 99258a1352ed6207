import CLinux
import Glibc
import SystemInterfaces

/// An inotify instance: where the kernel says what happens in folders.
///
/// SAFETY: The only pointer is into a buffer of its own, for the time of one `read`.
final class InotifyQueue {
    /// What happened to one name of a watched folder, or to the folder itself.
    struct Event: Hashable {
        let watch: CInt
        let mask: UInt32
        /// The two halves of one rename have the same.
        let cookie: UInt32
        /// `nil` for the folder itself, and for a name that is not UTF-8.
        let name: String?
        var hasUnreadableName = false

        func has(_ bits: CInt) -> Bool { mask & UInt32(bitPattern: bits) != 0 }
    }

    enum Failure: Error {
        /// Of watches.
        case limitReached
        case other(SystemCallError)
    }

    /// Bytes read at once: hundreds of events.
    private static let bufferByteCount = 64 * 1024
    private static let headerByteCount = 16

    let descriptor: CInt
    private let events: Calm.Events
    private var buffer = [UInt8](repeating: 0, count: bufferByteCount)

    init() throws(Failure) {
        descriptor = inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else { throw .other(SystemCallError(last: "inotify_init1")) }
        events = Calm.Events(of: descriptor)
    }

    /// From now on.
    func calm(until time: ContinuousClock.Instant) -> Calm { Calm(events, until: time) }

    deinit { close(descriptor) }

    /// Watches a folder; the same folder gives the same number again, and what it was watched for before stays.
    static func watch(
        _ folder: String, for interest: FolderListing.Interest, on descriptor: CInt
    ) throws(Failure) -> CInt {
        let names = IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF
        let mask = interest == .names ? names : names | IN_MODIFY | IN_CLOSE_WRITE
        let onlyFolders: UInt32 = 0x0100_0000  // IN_ONLYDIR
        let addToMask: UInt32 = 0x2000_0000  // IN_MASK_ADD
        return try watch(folder, UInt32(bitPattern: mask) | onlyFolders | addToMask, on: descriptor)
    }

    /// Watches a file itself, under whatever name it is written to.
    static func watch(file: String, on descriptor: CInt) throws(Failure) -> CInt {
        let mask = IN_ATTRIB | IN_MODIFY | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF
        return try watch(file, UInt32(bitPattern: mask), on: descriptor)
    }

    private static func watch(_ path: String, _ mask: UInt32, on descriptor: CInt) throws(Failure) -> CInt {
        let watch = unsafe inotify_add_watch(descriptor, path, mask)
        if watch >= 0 { return watch }
        // ENOSPC is the limit of watches here, and no full disk.
        if errno == ENOSPC { throw .limitReached }
        throw .other(SystemCallError(last: "inotify_add_watch"))
    }

    func unwatch(_ watch: CInt) { inotify_rm_watch(descriptor, watch) }

    /// All events that are there, without waiting.
    func drain() -> [Event] {
        var events: [Event] = []
        // With those that come meanwhile, as the other half of a rename does; but a program may make them without end.
        var left = waitingByteCount + Self.bufferByteCount
        while left > 0 {
            let count = self.events.reading {
                unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            left -= count
            var offset = 0
            while offset + Self.headerByteCount <= count {
                let nameByteCount = Int(word(at: offset + 12))
                let start = offset + Self.headerByteCount
                guard start + nameByteCount <= count else { break }
                let name = buffer[start..<start + nameByteCount].prefix { $0 != 0 }
                // Without repair: a name that is not UTF-8 must not be taken for another.
                let text = nameByteCount == 0 ? nil : String(validating: name, as: UTF8.self)
                events.append(
                    Event(
                        watch: CInt(bitPattern: word(at: offset)), mask: word(at: offset + 4),
                        cookie: word(at: offset + 8), name: text,
                        hasUnreadableName: nameByteCount > 0 && text == nil && name.first != UInt8(ascii: ".")))
                offset = start + nameByteCount
            }
        }
        return events
    }

    /// Of all events that are there.
    private var waitingByteCount: Int {
        var byteCount: CInt = 0
        return unsafe ioctl(descriptor, UInt(FIONREAD), &byteCount) == 0 ? Int(byteCount) : Int(CInt.max)
    }

    private func word(at offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(buffer[offset + $1]) << UInt32(8 * $1) }
    }
}
