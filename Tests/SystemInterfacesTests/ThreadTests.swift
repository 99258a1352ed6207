import Foundation
import Glibc
import Synchronization
import SystemInterfaces
import TestSupport
import Testing

struct ThreadTests {
    private static func isReadable(_ descriptor: CInt) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, 0) == 1
    }

    @Test func `a wake-up that was given is there until it is taken, however often it was given`() throws {
        let wakeup = try Wakeup()
        #expect(!Self.isReadable(wakeup.descriptor))
        for _ in 0..<3 { wakeup.give() }
        #expect(Self.isReadable(wakeup.descriptor))
        wakeup.take()
        #expect(!Self.isReadable(wakeup.descriptor))
        // Nothing to take is nothing to wait for.
        wakeup.take()
    }

    @Test func `a thread has its name, and takes no signals`() async throws {
        let found = Mutex<(name: String, masked: Bool)?>(nil)
        try SystemThread.start(name: "of-a-test") {
            let name = (try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)) ?? ""
            var mask = sigset_t()
            unsafe pthread_sigmask(SIG_BLOCK, nil, &mask)
            let isMasked = unsafe sigismember(&mask, SIGTERM) == 1
            found.withLock { $0 = (name, isMasked) }
        }
        #expect(await Poll.until { found.withLock { $0 != nil } })
        #expect(found.withLock { $0?.name } == "of-a-test\n")
        #expect(found.withLock { $0?.masked } == true)
    }
}
