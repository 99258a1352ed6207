import CLinux
import Foundation
import Glibc
import Synchronization
import Testing

@testable import TransportSecurity

/// What it keeps is a thread's own, so each test has a thread that nobody used before; which blocks the allocator gives, and
/// how large they are, is not asked.
@Suite struct `Memory for records` {
    private func onFreshThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) -> Result {
        let result = Mutex<Result?>(nil)
        let isDone = DispatchSemaphore(value: 0)
        Thread {
            let value = body()
            result.withLock { $0 = value }
            isDone.signal()
        }.start()
        isDone.wait()
        return result.withLock { $0! }
    }

    /// Largest number of bytes that a block of so many may be taken again for.
    private static func served(byUsable count: Int) -> Int { 24 + (count - 24) / 16 * 16 }

    @Test func `a small block goes to the next that needs as much as it holds, whatever was in it`() {
        let mistakes = onFreshThread {
            RecordMemory.keepOnThisThread()
            var mistakes: [Int] = []
            for byteCount in 1...264 {
                let block = unsafe RecordMemory.take(byteCount)!
                let usable = unsafe malloc_usable_size(block)
                unsafe memset(block, 0xA5, usable)
                unsafe RecordMemory.give(block)
                guard RecordMemory.list(forUsable: usable) != nil else { continue }
                let again = unsafe RecordMemory.take(Self.served(byUsable: usable))
                if unsafe again != block { mistakes.append(byteCount) }
                unsafe free(again)
            }
            return mistakes
        }
        #expect(mistakes == [])
    }

    @Test func `what is taken holds what was asked for, and nobody else's bytes`() {
        let isWhole = onFreshThread {
            RecordMemory.keepOnThisThread()
            var random = SystemRandomNumberGenerator()
            var held: [(block: UnsafeMutableRawPointer, count: Int, mark: UInt8)] = unsafe []
            for step in 0..<20_000 {
                if unsafe held.count > 60 || (step % 3 == 2 && !held.isEmpty) {
                    let (block, count, mark) = unsafe held.remove(at: Int.random(in: 0..<held.count, using: &random))
                    let bytes = unsafe UnsafeRawBufferPointer(start: block, count: count)
                    guard unsafe bytes.allSatisfy({ $0 == mark }) else { return false }
                    unsafe RecordMemory.give(block)
                } else {
                    let count = Int.random(in: 1...400, using: &random)
                    let block = unsafe RecordMemory.take(count)!
                    guard unsafe malloc_usable_size(block) >= count else { return false }
                    let mark = UInt8(truncatingIfNeeded: step)
                    unsafe memset(block, CInt(mark), count)
                    unsafe held.append((block, count, mark))
                }
            }
            for index in unsafe held.indices { unsafe RecordMemory.give(held[index].block) }
            return true
        }
        #expect(isWhole)
    }

    @Test(arguments: [1, 24, 25, 40, 264])
    func `a thread keeps a few of a size and gives the others back`(byteCount: Int) {
        let kept = onFreshThread {
            RecordMemory.keepOnThisThread()
            let blocks = unsafe (0..<100).map { _ in unsafe RecordMemory.take(byteCount)! }
            for index in 0..<100 { unsafe RecordMemory.give(blocks[index]) }
            return RecordMemory.keptCount
        }
        // None where the allocator's blocks of this size are none of those that are kept.
        #expect(kept <= 32)
    }

    @Test func `large blocks, those of a thread that did not ask, and nothing at all are not kept`() {
        let kept = onFreshThread {
            for byteCount in [24, 4096] { unsafe RecordMemory.give(RecordMemory.take(byteCount)) }
            let before = RecordMemory.keptCount
            RecordMemory.keepOnThisThread()
            unsafe RecordMemory.give(RecordMemory.take(4096))
            let nothing = unsafe RecordMemory.take(0)
            unsafe RecordMemory.give(nothing)
            return [before, RecordMemory.keptCount, unsafe nothing == nil ? 0 : 1]
        }
        #expect(kept == [0, 0, 0])
    }

    @Test func `blocks of any allocator find a list whose blocks are not larger, or none`() {
        // jemalloc has blocks of 8 and 16 bytes.
        for byteCount in 0..<24 { #expect(RecordMemory.list(forUsable: byteCount) == nil) }
        for byteCount in 24..<280 {
            let list = RecordMemory.list(forUsable: byteCount)
            #expect(list.map { (24 + $0 * 16)...(39 + $0 * 16) ~= byteCount } == true)
        }
        for byteCount in [280, 4096, Int.max] { #expect(RecordMemory.list(forUsable: byteCount) == nil) }
    }
}
