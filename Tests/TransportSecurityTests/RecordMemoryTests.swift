import Glibc
import Testing

@testable import TransportSecurity

@Test func `a small block goes to the next that needs one of its size, whatever was in it`() {
    RecordMemory.keepOnThisThread()
    for byteCount in 1...264 {
        let block = unsafe RecordMemory.take(byteCount)!
        unsafe memset(block, 0xA5, byteCount)
        unsafe RecordMemory.give(block)
        let again = unsafe RecordMemory.take(byteCount)
        #expect(unsafe again == block)
        unsafe RecordMemory.give(again)
    }
}

@Test func `a thread keeps a few of a size and gives the others back`() {
    RecordMemory.keepOnThisThread()
    for byteCount in [1, 24, 25, 40, 264, 265, 4096] {
        let blocks = unsafe (0..<100).map { _ in unsafe RecordMemory.take(byteCount)! }
        #expect(unsafe Set(blocks).count == 100)
        for index in 0..<100 { unsafe RecordMemory.give(blocks[index]) }
    }
    #expect(unsafe RecordMemory.take(0) == nil)
    unsafe RecordMemory.give(nil)
}
