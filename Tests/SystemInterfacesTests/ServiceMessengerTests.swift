import Glibc
import Synchronization
import TestSupport
import Testing

@testable import SystemInterfaces

struct ServiceMessengerTests {
    /// What was said of a manager that cannot be told.
    private final class Changes: Sendable {
        private let all = Mutex<[SystemCallError?]>([])

        var told: [SystemCallError?] { all.withLock { $0 } }
        func add(_ change: SystemCallError?) { all.withLock { $0.append(change) } }
    }

    private static func messenger(to address: String, _ changes: Changes = Changes()) throws -> ServiceMessenger {
        let manager = try #require(ServiceManager(environment: { $0 == "NOTIFY_SOCKET" ? address : nil }))
        return ServiceMessenger(manager) { changes.add($0) }
    }

    @Test func `a manager that does not read is told in the end, in order, and nobody waits for it`() async throws {
        let inbox = try NoticeInbox("@")
        let waiting = inbox.fill()
        let changes = Changes()
        let messenger = try Self.messenger(to: inbox.address, changes)
        // More than any queue of the kernel's: who waited for the manager would not come to the end.
        for number in 0..<1_000 {
            messenger.tell(.status("\(number)"))
            messenger.tell(.alive)
        }
        messenger.tell(.ready)
        messenger.tell(.stopping(within: .seconds(1)))
        #expect(!messenger.isIdle)

        for _ in 0..<waiting { #expect(inbox.next() == NoticeInbox.filling) }
        var heard: [String] = []
        await Poll.until {
            while let message = inbox.next() { heard.append(message) }
            return heard.last?.hasPrefix("STOPPING=1") == true
        }
        // The first may have been on its way already.
        #expect(
            heard.filter { $0 != "WATCHDOG=1" }.suffix(3) == [
                "STATUS=999", "READY=1", "STOPPING=1\nEXTEND_TIMEOUT_USEC=1000000",
            ], "\(heard)")
        #expect(heard.count <= 6, "\(heard)")
        #expect(await Poll.until { messenger.isIdle })
    }

    @Test func `that nobody is there is told when it begins and when it ends, not each time`() async throws {
        let address: String
        do { address = try NoticeInbox("/tmp/").address }
        let changes = Changes()
        let messenger = try Self.messenger(to: address, changes)
        for _ in 0..<3 {
            messenger.tell(.alive)
            #expect(await Poll.until { messenger.isIdle })
        }
        #expect(await Poll.until { !changes.told.isEmpty })
        #expect(changes.told == [SystemCallError("sendto", errno: ENOENT)])

        let inbox = try NoticeInbox(at: address)
        for _ in 0..<3 {
            messenger.tell(.ready)
            #expect(await Poll.until { messenger.isIdle })
            #expect(inbox.next() == "READY=1")
        }
        #expect(await Poll.until { changes.told.count > 1 })
        #expect(changes.told == [SystemCallError("sendto", errno: ENOENT), nil])
    }

    @Test func `the end waits for what is told, and not for a manager that does not read`() async throws {
        let inbox = try NoticeInbox("@")
        let messenger = try Self.messenger(to: inbox.address)
        messenger.tell(.stopping(within: .seconds(1)))
        await messenger.flush()
        #expect(inbox.next() == "STOPPING=1\nEXTEND_TIMEOUT_USEC=1000000")
        inbox.fill()
        messenger.tell(.stopping(within: .seconds(1)))
        await messenger.flush()
        #expect(!messenger.isIdle)
    }
}
