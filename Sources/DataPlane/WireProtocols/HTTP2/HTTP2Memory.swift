import CNghttp2
import Glibc

/// Where the sessions of one worker have their memory: blocks by size, kept for the next user, so that a steady state
/// takes none from the allocator. Used on one thread only; lives as long as its sessions do.
///
/// SAFETY: a block is in its list or with the one session that took it; its header says which list it came from.
@safe
package final class HTTP2Memory {
    /// One list for each size up to 512 bytes in steps of 16, then four for each doubling up to 64 KiB.
    private static let smallListCount = 32
    private static let listCount = smallListCount + 4 * 7
    /// The list of blocks that come from the allocator and go back to it.
    private static let noList = listCount
    /// Before each block: which list it is of, and for those of none how many bytes it has. Keeps the alignment.
    private static let headerByteCount = 16
    /// Bytes kept in lists; what is over goes back to the allocator. 8 MiB.
    private static let keptByteLimit = 8 << 20

    private let lists: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private var keptByteCount = 0
    let callbacks: HTTP2Callbacks
    /// For the head that a session is about to submit.
    var encoder = HTTP2FieldEncoder()

    package init() {
        unsafe lists = .allocate(capacity: Self.listCount)
        unsafe lists.initialize(repeating: nil, count: Self.listCount)
        callbacks = HTTP2Callbacks()
    }

    deinit {
        for list in 0..<Self.listCount {
            while let block = unsafe lists[list] {
                unsafe lists[list] = block.load(as: UnsafeMutableRawPointer?.self)
                unsafe free(block - Self.headerByteCount)
            }
        }
        unsafe lists.deallocate()
    }

    /// The list of the smallest blocks that have so many bytes.
    private static func list(for byteCount: Int) -> Int {
        if byteCount <= 512 { return max(0, (byteCount - 1) >> 4) }
        // 513...1024 is the first doubling: four steps of 128.
        let doubling = Int.bitWidth - 1 - (byteCount - 1).leadingZeroBitCount - 9
        guard doubling < 7 else { return noList }
        return smallListCount + doubling * 4 + ((byteCount - 1) >> (7 + doubling)) & 3
    }

    private static func blockByteCount(of list: Int) -> Int {
        guard list >= smallListCount else { return (list + 1) << 4 }
        let (doubling, step) = (list - smallListCount).quotientAndRemainder(dividingBy: 4)
        return (512 + (step + 1) * 128) << doubling
    }

    private func take(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        let list = Self.list(for: byteCount)
        if list != Self.noList, let block = unsafe lists[list] {
            unsafe lists[list] = block.load(as: UnsafeMutableRawPointer?.self)
            keptByteCount -= Self.blockByteCount(of: list)
            return unsafe block
        }
        let size = list == Self.noList ? byteCount : Self.blockByteCount(of: list)
        guard let memory = unsafe malloc(size + Self.headerByteCount) else { return nil }
        unsafe memory.storeBytes(of: list, as: Int.self)
        unsafe memory.storeBytes(of: size, toByteOffset: 8, as: Int.self)
        return unsafe memory + Self.headerByteCount
    }

    private func give(_ block: UnsafeMutableRawPointer) {
        let memory = unsafe block - Self.headerByteCount
        let list = unsafe memory.load(as: Int.self)
        let size = unsafe memory.load(fromByteOffset: 8, as: Int.self)
        guard list != Self.noList, keptByteCount + size <= Self.keptByteLimit else { return unsafe free(memory) }
        unsafe block.storeBytes(of: lists[list], as: UnsafeMutableRawPointer?.self)
        unsafe lists[list] = block
        keptByteCount += size
    }

    private static func byteCount(of block: UnsafeMutableRawPointer) -> Int {
        unsafe (block - headerByteCount).load(fromByteOffset: 8, as: Int.self)
    }

    /// The allocator of a session that keeps this object alive.
    func allocator() -> nghttp2_mem {
        unsafe nghttp2_mem(
            mem_user_data: Unmanaged.passUnretained(self).toOpaque(),
            malloc: { byteCount, memory in unsafe HTTP2Memory.of(memory) { unsafe $0.take(byteCount) } },
            free: { block, memory in
                guard let block = unsafe block else { return }
                unsafe HTTP2Memory.of(memory) { unsafe $0.give(block) }
            },
            calloc: { count, size, memory in
                let (byteCount, overflows) = count.multipliedReportingOverflow(by: size)
                guard !overflows else { return nil }
                return unsafe HTTP2Memory.of(memory) {
                    guard let block = unsafe $0.take(byteCount) else { return nil }
                    unsafe memset(block, 0, byteCount)
                    return unsafe block
                }
            },
            realloc: { block, byteCount, memory in
                unsafe HTTP2Memory.of(memory) {
                    guard let block = unsafe block else { return unsafe $0.take(byteCount) }
                    let old = unsafe HTTP2Memory.byteCount(of: block)
                    guard old < byteCount else { return unsafe block }
                    guard let new = unsafe $0.take(byteCount) else { return nil }
                    unsafe memcpy(new, block, old)
                    unsafe $0.give(block)
                    return unsafe new
                }
            })
    }

    @inline(__always)
    private static func of<Result>(_ memory: UnsafeMutableRawPointer?, _ body: (HTTP2Memory) -> Result) -> Result {
        unsafe Unmanaged<HTTP2Memory>.fromOpaque(memory!)._withUnsafeGuaranteedRef { body($0) }
    }
}
