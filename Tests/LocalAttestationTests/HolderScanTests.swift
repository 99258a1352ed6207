import Attestation
import Foundation
import Glibc
import Manifests
import Synchronization
import TestSupport
import Testing

@testable import LocalAttestation

/// Processes of this host are found by what they have open; the one that has it here is this one.
struct HolderScanTests {
    /// Sockets of this process, or of one of its threads.
    private final class Sockets {
        let descriptors: [CInt]
        var inodes: [UInt32] { descriptors.map(Self.inode) }

        init(_ count: Int) { descriptors = (0..<count).map { _ in Self.new() } }

        deinit { for descriptor in descriptors { close(descriptor) } }

        static func new() -> CInt { socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0) }

        static func inode(of descriptor: CInt) -> UInt32 {
            var status = stat()
            _ = unsafe fstat(descriptor, &status)
            return UInt32(status.st_ino)
        }
    }

    /// Goes on until it is over, in slices of a size.
    private static func run(
        _ scan: inout HolderScan, slices size: Int
    ) -> (seen: [UInt32: OpenSockets.Sighting], slices: Int) {
        var seen: [UInt32: OpenSockets.Sighting] = [:]
        var slices = 1
        var slice = Slice(size)
        while true {
            switch scan.next(&slice) {
            case .seen(let sighting): for socket in sighting.sockets.keys { seen[socket] = sighting }
            case .settled: break
            case .paused:
                slices += 1
                slice = Slice(size)
            case .over: return (seen, slices)
            }
        }
    }

    private static func scan(for wanted: [UInt32], _ known: [Int32] = []) -> HolderScan {
        HolderScan(for: Set(wanted), of: getuid(), in: [], known, ControlGroups())
    }

    @Test(arguments: [true, false])
    func `a look that is interrupted again and again finds what one in one go finds`(isKnown: Bool) throws {
        let sockets = Sockets(300)
        let wanted = [sockets.inodes[0], sockets.inodes[299]]
        var whole = Self.scan(for: wanted, isKnown ? [getpid()] : [])
        #expect(Set(Self.run(&whole, slices: 10_000_000).seen.keys) == Set(wanted))
        var parts = Self.scan(for: wanted, isKnown ? [getpid()] : [])
        let (seen, slices) = Self.run(&parts, slices: 30)
        #expect(Set(seen.keys) == Set(wanted))
        #expect(seen.values.allSatisfy { $0.handle.pid == getpid() })
        // As it takes at least as many steps as there are sockets.
        #expect(slices >= 300 / 30)
    }

    @Test func `a socket that nobody has is looked for everywhere, and not found`() throws {
        let inode = Sockets(1).inodes[0]
        var scan = Self.scan(for: [inode])
        let (seen, slices) = Self.run(&scan, slices: 100)
        #expect(seen.isEmpty)
        #expect(slices > 1)
    }

    @Test(arguments: [20, 10_000_000])
    func `a thread with descriptors of its own is found`(slices: Int) async throws {
        let inode = Mutex<UInt32>(0)
        let (begun, end) = (Gate(), Gate())
        let thread = Thread {
            typealias Unshare = @convention(c) (CInt) -> CInt
            let unshare = unsafe unsafeBitCast(dlsym(nil, "unshare"), to: Unshare.self)
            // CLONE_FILES
            if unshare(0x400) == 0 {
                let descriptor = Sockets.new()
                inode.withLock { $0 = Sockets.inode(of: descriptor) }
            }
            begun.open()
            end.pass()
            // What it has open ends with it.
        }
        thread.start()
        defer { end.open() }
        await begun.passed()
        let wanted = inode.withLock { $0 }
        try #require(wanted != 0)
        var scan = Self.scan(for: [wanted])
        let (seen, _) = Self.run(&scan, slices: slices)
        let sighting = try #require(seen[wanted])
        #expect(sighting.handle.pid == getpid())
        #expect(sighting.folder.thread != nil)
        // It executes what its process does.
        #expect(try sighting.folder.executable() == ProcessFolder(getpid()).executable())
        #expect(sighting.sockets == [wanted: getegid()])
    }

    // MARK: One question for many

    private static func notes(_ groups: ControlGroups = ControlGroups()) throws -> ProcessInquiry.Notes {
        ProcessInquiry.Notes(
            groups: groups, known: KnownGroups(),
            started: try StartedProcesses(groups: groups, instance: nil, limit: 16),
            awaited: AwaitedProcesses(), digests: try Inquirer(name: "test") { DigestInquiry.Notes() })
    }

    /// What it takes to find out who has them.
    private static func effort(of sockets: Sockets, _ executables: inout [LocalProcess.Fact<String>]) throws -> Int {
        let answers = Mutex<[LocalProcess]>([])
        let answer: @Sendable (LocalProcess?) -> Void = { process in
            answers.withLock { $0.append(process ?? LocalProcess(uid: .max)) }
        }
        var inquiry = ProcessInquiry(
            sockets.inodes.map { inode in
                ProcessQuestion(
                    subject: .socket(SocketOwner(uid: getuid(), inode: inode, controlGroup: nil)),
                    process: LocalProcess(uid: getuid()), depth: .process, answer: answer)
            }, of: getuid())
        var notes = try notes()
        var (effort, answered) = (0, 0)
        while !inquiry.isOver {
            var slice = Slice()
            answered += inquiry.goOn(&slice, &notes)
            effort += Slice.whole - slice.left
        }
        #expect(answered == sockets.descriptors.count)
        executables = answers.withLock { $0.map(\.executable) }
        return effort
    }

    @Test func `a process is looked for once, however many of its connections ask`() throws {
        let own = LocalProcess.Fact.known(try ProcessFolder(getpid()).executable().path)
        // Whatever else this process has open meanwhile.
        let others = Sockets(1_000)
        var found: [LocalProcess.Fact<String>] = []
        let one = try Self.effort(of: Sockets(1), &found)
        #expect(found == [own])
        let many = try Self.effort(of: Sockets(1_000), &found)
        #expect(found == Array(repeating: own, count: 1_000))
        #expect(many < 100 * one, "\(one), \(many)")
        #expect(others.descriptors.count == 1_000)
    }

    /// Where no control group says it, it is the process itself that was started.
    @Test func `a started program is its workload for no socket that another user has handed to it`() throws {
        let web = ResourceName(namespace: "shop", name: "web")
        let socket = Sockets(1)
        var notes = try Self.notes(ControlGroups(mount: nil))
        defer { notes.started.stop() }
        try notes.started.start(web, ProcessHandle(pid: getpid()), of: getuid())
        func startedAs(makerOfSocket user: UInt32) -> LocalProcess.Fact<ResourceName?> {
            let answer = Mutex(LocalProcess(uid: user))
            let question = ProcessQuestion(
                subject: .socket(SocketOwner(uid: user, inode: socket.inodes[0], controlGroup: nil)),
                process: LocalProcess(uid: user), depth: .controlGroup
            ) { process in answer.withLock { $0 = process ?? $0 } }
            var inquiry = ProcessInquiry([question], of: user)
            while !inquiry.isOver {
                var slice = Slice()
                _ = inquiry.goOn(&slice, &notes)
            }
            return answer.withLock { $0.startedAs }
        }
        #expect(startedAs(makerOfSocket: getuid()) == .known(web))
        #expect(
            startedAs(makerOfSocket: 4_000_000_000)
                == .unknown("pid \(getpid()) has a socket that another user has made"))
        #expect(socket.descriptors.count == 1)
    }
}
