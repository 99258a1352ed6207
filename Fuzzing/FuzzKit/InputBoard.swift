import Glibc

/// Memory that parent and child share: the input under test, so that it outlives the child.
///
/// SAFETY: `memory` is mapped for as long as the process lives, `capacity` plus the header long; every access stays
/// within it.
@safe
struct InputBoard {
    /// Longest input, in bytes.
    static let capacity = 4 << 20
    private static let headerByteCount = 16

    private let descriptor: CInt
    private let memory: UnsafeMutableRawPointer

    /// The parent's: made anew, and removed from the file system at once.
    init() {
        var template = Array("/tmp/heddle-fuzz-XXXXXX".utf8CString)
        descriptor = unsafe mkstemp(&template)
        _ = unsafe unlink(template)
        precondition(descriptor >= 0 && ftruncate(descriptor, Self.capacity + Self.headerByteCount) == 0, "no /tmp")
        unsafe memory = Self.map(descriptor)
    }

    /// The child's.
    init(descriptor: CInt) {
        self.descriptor = descriptor
        unsafe memory = Self.map(descriptor)
    }

    private static func map(_ descriptor: CInt) -> UnsafeMutableRawPointer {
        let pointer = unsafe mmap(nil, capacity + headerByteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let pointer = unsafe pointer, unsafe pointer != MAP_FAILED else { fatalError("mmap failed") }
        return unsafe pointer
    }

    /// Counts the inputs shown, so that a hang can be told.
    var turn: UInt64 { unsafe memory.load(as: UInt64.self) }

    var input: [UInt8] {
        let count = min(unsafe memory.load(fromByteOffset: 8, as: Int.self), Self.capacity)
        return unsafe Array(UnsafeRawBufferPointer(start: memory + Self.headerByteCount, count: count))
    }

    func show(_ input: [UInt8]) {
        let count = min(input.count, Self.capacity)
        unsafe memory.storeBytes(of: count, toByteOffset: 8, as: Int.self)
        _ = unsafe input.withUnsafeBytes {
            unsafe memcpy(memory + Self.headerByteCount, $0.baseAddress ?? UnsafeRawPointer(memory), count)
        }
        unsafe memory.storeBytes(of: turn &+ 1, as: UInt64.self)
    }

    /// Starts this same program as the child that works on this board.
    func spawn(_ arguments: [String]) -> pid_t {
        let all = ["/proc/self/exe"] + arguments + ["--worker", String(descriptor)]
        var pointers = unsafe all.map { unsafe strdup($0) } + [nil]
        defer {
            for index in 0..<all.count { unsafe free(pointers[index]) }
        }
        var child: pid_t = 0
        let result = unsafe posix_spawn(&child, "/proc/self/exe", nil, nil, &pointers, environ)
        precondition(result == 0, "posix_spawn failed")
        return child
    }
}
