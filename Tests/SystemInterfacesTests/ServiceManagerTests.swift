import Glibc
import TestSupport
import Testing

@testable import SystemInterfaces

/// Beside a real socket, as a service manager has it.
struct ServiceManagerTests {
    private static func manager(_ environment: [String: String], process: Int32 = 7) -> ServiceManager? {
        ServiceManager(environment: { environment[$0] }, process: process)
    }

    @Test(arguments: ["/tmp/", "@"])
    func `it is told at its socket, with a path or without`(prefix: String) throws {
        let inbox = try NoticeInbox(prefix)
        let manager = try #require(Self.manager(["NOTIFY_SOCKET": inbox.address]))
        try manager.tell([.ready, .status("generation 1 serves")])
        #expect(inbox.next() == "READY=1\nSTATUS=generation 1 serves")
        try manager.tell([.reloading(at: 12)])
        #expect(inbox.next() == "RELOADING=1\nMONOTONIC_USEC=12")
        try manager.tell([.stopping(within: .seconds(30))])
        #expect(inbox.next() == "STOPPING=1\nEXTEND_TIMEOUT_USEC=30000000")
        try manager.tell([.alive])
        #expect(inbox.next() == "WATCHDOG=1")
        #expect(inbox.next() == nil)
    }

    @Test func `a status is one line, whatever is in it`() throws {
        let inbox = try NoticeInbox("/tmp/")
        let manager = try #require(Self.manager(["NOTIFY_SOCKET": inbox.address]))
        try manager.tell([.status("one\nSTOPPING=1")])
        #expect(inbox.next() == "STATUS=one STOPPING=1")
    }

    @Test func `nobody at its socket is an error, and nothing more`() throws {
        let manager = try #require(Self.manager(["NOTIFY_SOCKET": "/tmp/heddle-nobody-is-here"]))
        #expect(throws: SystemCallError("sendto", errno: ENOENT)) { try manager.tell([.ready]) }
    }

    @Test(arguments: [
        "", "@", "/", "relative", "vsock:2:1234", "/" + String(repeating: "a", count: 107),
    ])
    func `what is no address is no manager`(address: String) {
        #expect(Self.manager(["NOTIFY_SOCKET": address]) == nil)
        #expect(Self.manager([:]) == nil)
    }

    @Test func `a watchdog is heeded if it is this process's`() {
        func watchdog(_ more: [String: String]) -> Duration? {
            Self.manager(["NOTIFY_SOCKET": "@manager"].merging(more) { $1 })?.watchdog
        }
        #expect(watchdog(["WATCHDOG_USEC": "3000000"]) == .seconds(3))
        #expect(watchdog(["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"]) == .seconds(3))
        #expect(watchdog(["WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"]) == nil)
        #expect(watchdog([:]) == nil)
        for usec in ["0", "-1", "", "three"] { #expect(watchdog(["WATCHDOG_USEC": usec]) == nil) }
    }

    @Test func `signs of life are given twice as often as they are asked for, and never without a pause`() {
        func interval(_ usec: String) -> Duration? {
            Self.manager(["NOTIFY_SOCKET": "@manager", "WATCHDOG_USEC": usec])?.signInterval
        }
        #expect(interval("3000000") == .milliseconds(1500))
        #expect(interval("100000") == .milliseconds(50))
        for usec in ["1", "2", "99999"] { #expect(interval(usec) == .milliseconds(50)) }
        #expect(interval("0") == nil)
    }

    @Test func `who has looked for it takes its address out of the environment`() throws {
        let inbox = try NoticeInbox("@")
        unsafe setenv("NOTIFY_SOCKET", inbox.address, 1)
        unsafe setenv("WATCHDOG_USEC", "5000000", 1)
        unsafe setenv("WATCHDOG_PID", "\(getpid())", 1)
        let manager = try #require(ServiceManager.ofThisProcess())
        #expect(manager.watchdog == .seconds(5))
        for name in ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"] { #expect(unsafe getenv(name) == nil) }
        #expect(ServiceManager.ofThisProcess() == nil)
        try manager.tell([.ready])
        #expect(inbox.next() == "READY=1")
    }
}
