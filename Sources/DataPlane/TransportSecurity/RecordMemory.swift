import CLinux
import COpenSSL
import Glibc

/// The small blocks that OpenSSL takes for each record and gives back with it (three for one written, one for one read): a
/// thread that asks for it keeps them for the next. What is larger, and what other threads need, is the allocator's as ever.
///
/// SAFETY: every block is one that `malloc` made, kept or not, so that `free` and `realloc` of any thread may have it; how
/// large it is, `malloc_usable_size` tells. A thread's lists are its own, and go with it.
@safe
package enum RecordMemory {
    /// Lists of free blocks by size, the smallest first, as glibc has them: 24 bytes and 16 more each.
    @unsafe
    private struct Lists {
        static let count = 16
        /// Blocks that a list keeps.
        static let limit: UInt8 = 16

        var heads = unsafe InlineArray<16, UnsafeMutableRawPointer?>(repeating: nil)
        var counts = InlineArray<16, UInt8>(repeating: 0)
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        unsafe pthread_key_create(&key) { lists in unsafe RecordMemory.release(lists) }
        return key
    }()

    /// Has OpenSSL take its memory here. To be called before anything else of it is; too late, it changes nothing.
    package static func install() {
        unsafe CRYPTO_set_mem_functions(
            { byteCount, _, _ in unsafe RecordMemory.take(byteCount) },
            { block, byteCount, _, _ in unsafe realloc(block, byteCount) },
            { block, _, _ in unsafe RecordMemory.give(block) })
    }

    /// This thread keeps blocks from now on.
    package static func keepOnThisThread() {
        guard unsafe pthread_getspecific(key) == nil else { return }
        let lists = UnsafeMutablePointer<Lists>.allocate(capacity: 1)
        unsafe lists.initialize(to: Lists())
        unsafe pthread_setspecific(key, lists)
    }

    private static var lists: UnsafeMutablePointer<Lists>? {
        unsafe pthread_getspecific(key)?.assumingMemoryBound(to: Lists.self)
    }

    static func take(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        guard byteCount > 0 else { return nil }
        // The smallest that is large enough.
        let list = max(0, byteCount - 24 + 15) >> 4
        if unsafe list < Lists.count, let lists = unsafe lists, let block = unsafe lists.pointee.heads[list] {
            unsafe lists.pointee.heads[list] = block.load(as: UnsafeMutableRawPointer?.self)
            unsafe lists.pointee.counts[list] -= 1
            return unsafe block
        }
        return unsafe malloc(byteCount)
    }

    /// The last list of those whose blocks are not larger; `nil`: not kept. Other allocators than glibc's have blocks that
    /// are smaller than the smallest kept here, and sizes between those of two lists.
    static func list(forUsable byteCount: Int) -> Int? {
        guard byteCount >= 24 else { return nil }
        let list = (byteCount - 24) >> 4
        return unsafe list < Lists.count ? list : nil
    }

    /// Blocks that this thread keeps now.
    static var keptCount: Int {
        guard let lists = unsafe lists else { return 0 }
        var count = 0
        for list in unsafe 0..<Lists.count { unsafe count += Int(lists.pointee.counts[list]) }
        return count
    }

    static func give(_ block: UnsafeMutableRawPointer?) {
        guard let block = unsafe block else { return }
        guard let list = Self.list(forUsable: unsafe malloc_usable_size(block)), let lists = unsafe lists,
            unsafe lists.pointee.counts[list] < Lists.limit
        else {
            return unsafe free(block)
        }
        unsafe block.storeBytes(of: lists.pointee.heads[list], as: UnsafeMutableRawPointer?.self)
        unsafe lists.pointee.heads[list] = unsafe block
        unsafe lists.pointee.counts[list] += 1
    }

    private static func release(_ lists: UnsafeMutableRawPointer?) {
        guard let lists = unsafe lists?.assumingMemoryBound(to: Lists.self) else { return }
        for list in unsafe 0..<Lists.count {
            while let block = unsafe lists.pointee.heads[list] {
                unsafe lists.pointee.heads[list] = block.load(as: UnsafeMutableRawPointer?.self)
                unsafe free(block)
            }
        }
        unsafe lists.deallocate()
    }
}
