import Attestation
import CommonValues
import Cryptography
import EventLoops
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import LocalAttestation

/// What the kernel says of the processes at the other ends of real connections.
struct AttestorTests {
    /// Both ends of a connection of this process to itself.
    private final class Connection {
        let peer: RawConnection
        let accepted: CInt
        let local: NetworkAddress
        let remote: NetworkAddress

        init() throws {
            let port = TestPort.free()
            let listener = TestPort.listen(at: port, backlog: 1)
            defer { close(listener) }
            peer = try RawConnection(port: port)
            accepted = Descriptors.accept(listener)
            local = .ip(IPAddress("127.0.0.1")!, port: port)
            remote = .ip(IPAddress("127.0.0.1")!, port: AttestorTests.localPort(of: peer.descriptor))
        }

        deinit { close(accepted) }
    }

    /// What it comes to when as much as that was asked for.
    private static func facts(
        _ attestor: Attestor, _ depth: FactDepth, _ peer: LocalPeer, at descriptor: CInt
    ) async -> LocalProcess {
        await withCheckedContinuation { continuation in
            attestor.findOut(depth, of: peer, at: descriptor) { continuation.resume(returning: $0 ?? peer.process) }
        }
    }

    private static func look(_ attestor: Attestor, _ connection: Connection) throws -> LocalPeer {
        try attestor.look(
            at: connection.accepted, local: connection.local, peer: connection.remote, with: SocketDiagnosis())
    }

    private static var ownExecutable: String {
        get throws { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") }
    }

    private static func digest(of path: String) throws -> String {
        let output = try OpenSSLCommand().run("dgst", "-sha256", "-r", path).output
        return String(output.prefix(64))
    }

    @Test func `over TCP the owner of the other end's socket is found, and its process when that is asked for`()
        async throws
    {
        let attestor = try Attestor(mostPrograms: 16)
        let connection = try Connection()
        let peer = try Self.look(attestor, connection)
        #expect(peer.process == LocalProcess(uid: getuid()))
        let process = await Self.facts(attestor, .process, peer, at: connection.accepted)
        #expect(process.pid == getpid())
        #expect(process.gid == .known(getegid()))
        #expect(process.executable == .known(try Self.ownExecutable))
        #expect(process.digest == .notAsked)
        let whole = await Self.facts(attestor, .digest, peer, at: connection.accepted)
        #expect(whole.digest == .known(try Self.digest(of: try Self.ownExecutable)))
        // The second time it is remembered where a look is enough.
        let again = try Self.look(attestor, connection)
        #expect(again.process.controlGroup == process.controlGroup)
        attestor.stop()
    }

    @Test func `over a Unix socket the kernel has kept who connected`() async throws {
        let attestor = try Attestor(mostPrograms: 16)
        var ends: [CInt] = [0, 0]
        #expect(unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        let peer = try attestor.look(
            at: ends[0], local: .unix(path: "/x"), peer: .unix(path: ""), with: SocketDiagnosis())
        #expect(peer.process == LocalProcess(uid: getuid(), gid: .known(getegid()), pid: getpid()))
        let process = await Self.facts(attestor, .digest, peer, at: ends[0])
        #expect(process.executable == .known(try Self.ownExecutable))
        #expect(process.digest == .known(try Self.digest(of: try Self.ownExecutable)))
        attestor.stop()
    }

    @Test func `who has closed the connection is nobody`() throws {
        let attestor = try Attestor(mostPrograms: 16)
        let port = TestPort.free()
        let listener = TestPort.listen(at: port, backlog: 1)
        defer { close(listener) }
        var remote: UInt16 = 0
        let accepted: CInt
        do {
            let peer = try RawConnection(port: port)
            peer.send("GET / HTTP/1.1\r\n\r\n")
            remote = Self.localPort(of: peer.descriptor)
            accepted = Descriptors.accept(listener)
        }
        defer { close(accepted) }
        // Nobody has the socket, and the kernel would call it root's.
        #expect(throws: Attestor.Nobody(reason: "it has closed the connection")) {
            try attestor.look(
                at: accepted, local: .ip(IPAddress("127.0.0.1")!, port: port),
                peer: .ip(IPAddress("127.0.0.1")!, port: remote), with: SocketDiagnosis())
        }
    }

    /// Who resets a connection frees its port at once, and what it has sent can still be read.
    @Test func `who has reset the connection is not taken for whoever has its port now`() throws {
        let attestor = try Attestor(mostPrograms: 16)
        let port = TestPort.free()
        let listener = TestPort.listen(at: port, backlog: 2)
        defer { close(listener) }
        let own = TestPort.free()
        /// From a port of its own, to the listener's.
        func connected() throws -> CInt {
            let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            var one: CInt = 1
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
            let isBound = unsafe Self.withAddress(port: own) { unsafe bind(descriptor, $0, $1) }
            let isConnected = unsafe Self.withAddress(port: port) { unsafe connect(descriptor, $0, $1) }
            guard isBound == 0, isConnected == 0 else { throw SetUpError("errno \(errno)") }
            return descriptor
        }
        let first = try connected()
        _ = unsafe Glibc.send(first, "x", 1, 0)
        let accepted = Descriptors.accept(listener)
        defer { close(accepted) }
        var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(first, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close(first)
        let second = try connected()
        defer { close(second) }
        let other = Descriptors.accept(listener)
        defer { close(other) }
        let (local, peer) = (
            NetworkAddress.ip(IPAddress("127.0.0.1")!, port: port),
            NetworkAddress.ip(IPAddress("127.0.0.1")!, port: own)
        )
        #expect(throws: Attestor.Nobody.self) {
            try attestor.look(at: accepted, local: local, peer: peer, with: SocketDiagnosis())
        }
        #expect(try attestor.look(at: other, local: local, peer: peer, with: SocketDiagnosis()).process.uid == getuid())
        // The first one's bytes are there.
        var byte: UInt8 = 0
        #expect(unsafe recv(accepted, &byte, 1, 0) == 1)
    }

    @Test func `a socket that listens at the port is not the one at the other end`() throws {
        let port = TestPort.free()
        let listener = TestPort.listen(at: port, backlog: 1)
        defer { close(listener) }
        let none = try SocketDiagnosis().owner(
            of: .ip(IPAddress("127.0.0.1")!, port: port),
            connectedTo: .ip(IPAddress("127.0.0.1")!, port: TestPort.free()))
        #expect(none == nil)
    }

    @Test func `processes that share a socket and differ are nobody in particular`() async throws {
        let attestor = try Attestor(mostPrograms: 16)
        let connection = try Connection()
        let peer = try Self.look(attestor, connection)
        // A child that executes something else, and has the socket, too.
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/bin/sleep")
        child.arguments = ["60"]
        child.standardInput = FileHandle(fileDescriptor: connection.peer.descriptor, closeOnDealloc: false)
        try child.run()
        defer {
            // What this process blocks, its children block, too.
            kill(child.processIdentifier, SIGKILL)
            child.waitUntilExit()
        }
        let process = await Self.facts(attestor, .process, peer, at: connection.accepted)
        guard case .unknown(let why) = process.executable else {
            Issue.record("\(process)")
            return
        }
        #expect(why.hasPrefix("the processes that have the socket differ: "))
        attestor.stop()
    }

    @Test func `a binary that was replaced is not the one at its path`() async throws {
        let folder = try OpenSSLCommand()
        let copy = folder.path("program")
        try FileManager.default.copyItem(atPath: "/bin/sleep", toPath: copy)
        let child = Process()
        child.executableURL = URL(fileURLWithPath: copy)
        child.arguments = ["60"]
        try child.run()
        defer {
            // What this process blocks, its children block, too.
            kill(child.processIdentifier, SIGKILL)
            child.waitUntilExit()
        }
        let before = try ProcessFolder(child.processIdentifier).executable()
        #expect(before.path == copy)
        try FileManager.default.moveItem(atPath: copy, toPath: folder.path("old"))
        try folder.write([1, 2, 3], to: "program", mode: 0o700)
        // It is found where it lies now.
        #expect(try ProcessFolder(child.processIdentifier).executable().path == folder.path("old"))
        try FileManager.default.removeItem(atPath: folder.path("old"))
        #expect(throws: ProcessFolder.Unknown.self) { try ProcessFolder(child.processIdentifier).executable() }
    }

    @Test func `a process that has ended has no facts`() async throws {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: "/bin/true")
        try child.run()
        let handle = try? ProcessHandle(pid: child.processIdentifier)
        child.waitUntilExit()
        #expect(handle?.isAlive != true)
        #expect(throws: ProcessFolder.Unknown.self) { try ProcessFolder(child.processIdentifier).executable() }
    }

    @Test func `who asks too much at once is told so, and nothing is taken for known by it`() async throws {
        let attestor = try Attestor(mostPrograms: 16)
        let connection = try Connection()
        let peer = try Self.look(attestor, connection)
        let (held, gate) = (Gate(), Gate())
        let answered = Mutex<[LocalProcess?]>([])
        // The thread is held up by the first answer until all have asked.
        attestor.findOut(.process, of: peer, at: connection.accepted) { _ in
            held.open()
            gate.pass()
        }
        await held.passed()
        let count = FairQueue<Int>.limitPerUser + 100
        for _ in 0..<count {
            attestor.findOut(.process, of: peer, at: connection.accepted) { process in
                answered.withLock { $0.append(process) }
            }
        }
        // One place is that of the first.
        #expect(answered.withLock { $0.count } == 101)
        gate.open()
        #expect(await Poll.until { answered.withLock { $0.count } == count })
        answered.withLock { answers in
            #expect(answers.count { $0 == nil } == 101)
            #expect(answers.compactMap { $0 }.allSatisfy { $0.pid == getpid() })
        }
        attestor.stop()
    }

    @Test func `one that is bound to an interface is found`() async throws {
        let attestor = try Attestor(mostPrograms: 16)
        let port = TestPort.free()
        let listener = TestPort.listen(at: port, backlog: 1)
        defer { close(listener) }
        let own = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(own) }
        #expect(unsafe setsockopt(own, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) == 0)
        #expect(unsafe Self.withAddress(port: port) { unsafe connect(own, $0, $1) } == 0)
        let accepted = Descriptors.accept(listener)
        defer { close(accepted) }
        let peer = try attestor.look(
            at: accepted, local: .ip(IPAddress("127.0.0.1")!, port: port),
            peer: .ip(IPAddress("127.0.0.1")!, port: Self.localPort(of: own)), with: SocketDiagnosis())
        #expect(peer.process.uid == getuid())
        attestor.stop()
    }

    @Test func `a process that asks by many Unix sockets is held open once`() throws {
        let awaited = AwaitedProcesses()
        func question(_ handle: ProcessHandle) -> ProcessQuestion {
            ProcessQuestion(subject: .process(handle), process: LocalProcess(uid: 1), depth: .process) { _ in }
        }
        let first = try #require(awaited.share(ProcessHandle(pid: getpid()), of: 1))
        let second = try #require(awaited.share(ProcessHandle(pid: getpid()), of: 1))
        #expect(first === second)
        awaited.release(question(first))
        #expect(try awaited.share(ProcessHandle(pid: getpid()), of: 1) === first)
        awaited.release(question(first))
        awaited.release(question(first))
        // When nobody asks about it any more it is let go.
        let next = try #require(awaited.share(ProcessHandle(pid: getpid()), of: 1))
        #expect(next !== first)
        for user in 2..<UInt32(AwaitedProcesses.limit) + 1 {
            #expect(try awaited.share(ProcessHandle(pid: getpid()), of: user) != nil)
        }
        #expect(try awaited.share(ProcessHandle(pid: getpid()), of: 0) == nil)
        #expect(try awaited.share(ProcessHandle(pid: getpid()), of: 1) === next)
        awaited.release(question(next))
        awaited.release(question(next))
        #expect(try awaited.share(ProcessHandle(pid: getpid()), of: 0) != nil)
    }

    private static func withAddress(port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return unsafe withUnsafeBytes(of: &address) { bytes in
            unsafe body(bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
    }

    private static func localPort(of descriptor: CInt) -> UInt16 {
        var storage = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe getsockname(descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length)
        }
        return UInt16(bigEndian: storage.sin_port)
    }
}
