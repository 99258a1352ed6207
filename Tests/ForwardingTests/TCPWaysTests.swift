import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// Connections of bytes: what each side sees is the same, whether they are copied or pass inside the kernel, and whichever
/// side it is.
struct TCPWaysTests {
    typealias Way = Shop.Way

    enum Sender: CaseIterable { case caller, workload }

    /// What is sent, over and over; twice, so that as much as is read at once lies together wherever it begins.
    fileprivate static let piece = (0..<(64 << 10)).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    fileprivate static let pieces = piece + piece

    init() {
        // As the program does: what is spliced to a connection that was reset raises it.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Both ends of one connection through the mesh. Bytes have passed each way, so that what follows does, too.
    private static func connect(
        _ way: Way, _ timeouts: String = "", sender: Sender,
        _ body: (_ sender: RawConnection, _ reader: RawConnection, _ mesh: TestMesh) async throws -> Void
    ) async throws {
        let workload = Mutex<RawConnection?>(nil)
        let isOver = Gate()
        let backend = TestBackend { connection, _ in
            connection.send(connection.receive(count: 2))
            workload.withLock { $0 = connection }
            isOver.pass()
        }
        defer { isOver.open() }
        try await Shop.serveTCP(backend, timeouts, way: way) { port, mesh in
            let caller = try RawConnection(port: port)
            caller.send("hi")
            #expect(caller.receive(count: 2) == Array("hi".utf8))
            await Poll.until { workload.withLock { $0 != nil } }
            let callee = try #require(workload.withLock { $0 })
            let ends = sender == .caller ? (caller, callee) : (callee, caller)
            try await body(ends.0, ends.1, mesh)
        }
    }

    /// Sends until some of it waits in the mesh for good, as nobody reads, or has waited for too long.
    /// - Returns: What was sent, and whether the sender was told meanwhile that it is reset. No call tells it of that again.
    private static func fill(_ sender: RawConnection, _ mesh: TestMesh) async throws -> (count: Int, isReset: Bool) {
        var sent = 0
        var isReset = false
        let isFull = await Poll.until {
            let more = sender.sendWhatFits(after: sent)
            sent += more.count
            isReset = isReset || more.isReset
            // What a socket has room for does not wait.
            guard await mesh.comesToRest() else { return false }
            let counters = await mesh.dataPlane.report().counters
            // Whoever may wait for a short time only can have been cut off before this looks.
            return counters.queuedBytes > 0 || counters.open == 0
        }
        #expect(isFull)
        return (sent, isReset)
    }

    @Test(arguments: Way.allCases, Sender.allCases)
    func `a half that has ended costs nothing while its reader rests`(way: Way, sender: Sender) async throws {
        try await Self.connect(way, sender: sender) { sender, reader, mesh in
            sender.send([UInt8](repeating: 1, count: 200_000))
            sender.endOutput()
            // Each question is a turn. Others must come to an end.
            #expect(await mesh.comesToRest())
            #expect(reader.receive(count: 200_001).count == 200_000)
            #expect(reader.isEnded)
        }
    }

    @Test(arguments: Way.allCases, Sender.allCases)
    func `what waits for a reader who rests costs nothing, and comes whole`(way: Way, sender: Sender) async throws {
        try await Self.connect(way, sender: sender) { sender, reader, mesh in
            let count = try await Self.fill(sender, mesh).count
            sender.endOutput()
            reader.endOutput()
            #expect(await mesh.comesToRest())
            #expect(sender.endsCleanly() == true)
            #expect(reader.readToEnd() == (count, true))
            try await SlowPeerTests.settles(mesh) { $0.accepted == 1 && $0.open == 0 && $0.upstream == 0 }
        }
    }

    @Test(arguments: Way.allCases, Sender.allCases)
    func `one half goes on after the end of the other`(way: Way, sender: Sender) async throws {
        try await Self.connect(way, sender: sender) { sender, reader, mesh in
            sender.send("last")
            sender.endOutput()
            #expect(reader.receive(count: 5) == Array("last".utf8))
            spawn {
                for _ in 0..<100 { reader.send(Self.piece) }
                reader.endOutput()
            }
            #expect(sender.readToEnd() == (100 * Self.piece.count, true))
            try await SlowPeerTests.settles(mesh) { $0.accepted == 1 && $0.open == 0 && $0.upstream == 0 }
        }
    }

    @Test(arguments: Way.allCases, Sender.allCases)
    func `what waited when its sender was reset comes, and then a reset`(way: Way, sender: Sender) async throws {
        try await Self.connect(way, sender: sender) { sender, reader, mesh in
            let count = try await Self.fill(sender, mesh).count
            sender.reset()
            let read = reader.readToEnd()
            #expect(0...count ~= read.count && read.count > 0 && read.isClean == false)
            try await SlowPeerTests.settles(mesh) { $0.accepted == 1 && $0.open == 0 && $0.upstream == 0 }
        }
    }

    @Test(arguments: Way.allCases, Sender.allCases)
    func `what waits for a reader who is reset is forgotten, and its sender reset`(way: Way, sender: Sender)
        async throws
    {
        try await Self.connect(way, sender: sender) { sender, reader, mesh in
            _ = try await Self.fill(sender, mesh)
            reader.reset()
            #expect(sender.endsCleanly() == false)
            try await SlowPeerTests.settles(mesh) {
                $0.accepted == 1 && $0.open == 0 && $0.upstream == 0 && $0.queuedBytes == 0
            }
        }
    }

    @Test(arguments: Way.allCases, Sender.allCases.flatMap { [($0, false), ($0, true)] })
    func `who takes nothing of what waits is cut off, also once its sender has ended`(
        way: Way, by: (sender: Sender, hasEnded: Bool)
    ) async throws {
        try await Self.connect(way, "stream: 500ms", sender: by.sender) { sender, reader, mesh in
            let filled = try await Self.fill(sender, mesh)
            if by.hasEnded { sender.endOutput() }
            #expect(filled.isReset || sender.endsCleanly() == false)
            try await SlowPeerTests.settles(mesh) { $0.accepted == 1 && $0.open == 0 && $0.upstream == 0 }
            #expect(reader.readToEnd().isClean == false)
        }
    }

    @Test(arguments: Way.allCases, Sender.allCases)
    func `who idles for too long is reset on both sides, also after the end of one half`(way: Way, sender: Sender)
        async throws
    {
        try await Self.connect(way, "tunnelIdle: 500ms", sender: sender) { sender, reader, mesh in
            sender.endOutput()
            #expect(sender.endsCleanly() == false)
            _ = reader.readToEnd()
            try await SlowPeerTests.settles(mesh) { $0.accepted == 1 && $0.open == 0 && $0.upstream == 0 }
        }
    }
}

extension RawConnection {
    /// Sends what the kernel takes at once; what it does not take is left out.
    /// - Returns: How many bytes, and whether the connection is found to be reset.
    fileprivate func sendWhatFits(after earlier: Int) -> (count: Int, isReset: Bool) {
        var sent = earlier
        while true {
            let offset = sent % TCPWaysTests.piece.count
            let count = unsafe TCPWaysTests.piece.withUnsafeBytes {
                unsafe Glibc.send(
                    descriptor, $0.baseAddress! + offset, $0.count - offset, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
            }
            guard count > 0 else { return (sent - earlier, errno == ECONNRESET) }
            sent += count
        }
    }

    /// - Returns: How many bytes came of what is sent in pieces, -1 if others did, and whether they ended in good order.
    fileprivate func readToEnd() -> (count: Int, isClean: Bool?) {
        var read = 0
        var buffer = [UInt8](repeating: 0, count: TCPWaysTests.piece.count)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress!, $0.count, 0) }
            if count == 0 { return (read, true) }
            guard count > 0 else { return (read, errno == ECONNRESET ? false : nil) }
            let offset = read % TCPWaysTests.piece.count
            guard unsafe memcmp(buffer, Array(TCPWaysTests.pieces[offset...]), count) == 0 else { return (-1, nil) }
            read += count
        }
    }
}
