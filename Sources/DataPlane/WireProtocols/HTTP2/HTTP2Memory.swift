import CNghttp2

/// The memory of one worker's HTTP/2 sessions. What nghttp2 gives back is kept for its next call, so that streams that come and go
/// cost no allocation.
///
/// SAFETY: used by sessions of one thread only; a session keeps it alive. Every block begins with the class it belongs to,
/// and is in a list or in nghttp2's hands, never both.
@safe
package final class HTTP2Memory {
    /// Classes of 64 bytes to 16 KiB, each twice the one before; what is larger is not kept.
    private static let classCount = 9
    private static let smallestByteCount = 64
    /// Bytes before a block that tell its class: as much as keeps it aligned for anything.
    private static let headerByteCount = 16
    /// Blocks of a class that are kept.
    private static let keptBlocks = 1024

    private var free: [UnsafeMutableRawPointer?]
    private var freeCounts = [Int](repeating: 0, count: classCount)

    package init() { unsafe free = [UnsafeMutableRawPointer?](repeating: nil, count: Self.classCount) }

    deinit {
        for index in unsafe free.indices {
            while let block = unsafe free[index] {
                unsafe free[index] = unsafe block.load(as: UnsafeMutableRawPointer?.self)
                unsafe (block - Self.headerByteCount).deallocate()
            }
        }
    }

    /// As nghttp2 wants it, bound to this object.
    func withCallbacks<Result>(_ body: (UnsafeMutablePointer<nghttp2_mem>) -> Result) -> Result {
        var callbacks = unsafe nghttp2_mem(
            mem_user_data: Unmanaged.passUnretained(self).toOpaque(),
            malloc: { unsafe HTTP2Memory.from($1).allocate($0) },
            free: { unsafe HTTP2Memory.from($1).release($0) },
            calloc: { count, size, memory in
                let (bytes, overflows) = count.multipliedReportingOverflow(by: size)
                guard !overflows, let block = unsafe HTTP2Memory.from(memory).allocate(bytes) else { return nil }
                unsafe block.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
                return unsafe block
            },
            realloc: { unsafe HTTP2Memory.from($2).resize($0, to: $1) })
        return unsafe body(&callbacks)
    }

    private static func from(_ pointer: UnsafeMutableRawPointer?) -> HTTP2Memory {
        unsafe Unmanaged<HTTP2Memory>.fromOpaque(pointer.unsafelyUnwrapped).takeUnretainedValue()
    }

    private static func classIndex(of byteCount: Int) -> Int {
        guard byteCount > smallestByteCount else { return 0 }
        return Int.bitWidth - (byteCount - 1).leadingZeroBitCount - smallestByteCount.trailingZeroBitCount
    }

    private func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        let index = Self.classIndex(of: byteCount)
        if index < Self.classCount, let block = unsafe free[index] {
            unsafe free[index] = unsafe block.load(as: UnsafeMutableRawPointer?.self)
            freeCounts[index] -= 1
            return unsafe block
        }
        let capacity = index < Self.classCount ? Self.smallestByteCount << index : byteCount
        let memory = UnsafeMutableRawPointer.allocate(byteCount: Self.headerByteCount + capacity, alignment: 16)
        unsafe memory.storeBytes(of: capacity, as: Int.self)
        return unsafe memory + Self.headerByteCount
    }

    private func release(_ block: UnsafeMutableRawPointer?) {
        guard let block = unsafe block else { return }
        let index = Self.classIndex(of: unsafe Self.capacity(of: block))
        guard index < Self.classCount, freeCounts[index] < Self.keptBlocks else {
            return unsafe (block - Self.headerByteCount).deallocate()
        }
        unsafe block.storeBytes(of: free[index], as: UnsafeMutableRawPointer?.self)
        unsafe free[index] = unsafe block
        freeCounts[index] += 1
    }

    private func resize(_ block: UnsafeMutableRawPointer?, to byteCount: Int) -> UnsafeMutableRawPointer? {
        guard let block = unsafe block else { return unsafe allocate(byteCount) }
        let capacity = unsafe Self.capacity(of: block)
        guard byteCount > capacity else { return unsafe block }
        guard let larger = unsafe allocate(byteCount) else { return nil }
        unsafe larger.copyMemory(from: block, byteCount: capacity)
        unsafe release(block)
        return unsafe larger
    }

    private static func capacity(of block: UnsafeMutableRawPointer) -> Int {
        unsafe (block - headerByteCount).load(as: Int.self)
    }
}
