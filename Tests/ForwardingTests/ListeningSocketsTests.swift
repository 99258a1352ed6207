import CommonValues
import Diagnostics
import EventLoops
import Glibc
import Synchronization
import SystemInterfaces
import TestSupport
import Testing

@testable import Forwarding

/// What a rehearsal finds out, and what it leaves behind: nothing.
@Suite struct ListeningSocketsTests {
    private static let loopback = IPAddress("127.0.0.1")!

    private static func place(_ port: UInt16, _ address: IPAddress = loopback) -> ListeningPlace {
        ListeningPlace(.ip(address, port: port))
    }

    private static func refusal(at place: ListeningPlace, beside own: Set<ListeningPlace> = []) -> CInt? {
        do throws(SystemCallError) {
            try ListeningSockets.rehearse(at: place, beside: own)
            return nil
        } catch {
            return error.errno
        }
    }

    /// Connects to a port again and again, and counts how often it could.
    private final class Knocks: Sendable {
        private let isOver = Atomic(false)
        private let count = Mutex(0)
        private let gate = Gate()

        init(at port: UInt16) {
            spawn { [self] in
                while !isOver.load(ordering: .relaxed) {
                    if (try? RawConnection(port: port)) != nil { count.withLock { $0 += 1 } }
                }
                gate.open()
            }
        }

        func counted() -> Int {
            isOver.store(true, ordering: .relaxed)
            gate.pass()
            return count.withLock { $0 }
        }
    }

    @Test func `nobody can connect to a port that is rehearsed`() {
        let port = TestPort.free()
        let knocks = Knocks(at: port)
        for _ in 0..<500 { #expect(Self.refusal(at: Self.place(port)) == nil) }
        #expect(knocks.counted() == 0)
    }

    @Test func `a rehearsal is refused what listening would be refused`() throws {
        let stranger = try Socket.bound(to: .ip(Self.loopback, port: 0), sharesPort: false)
        try stranger.listen()
        let sharing = try Socket.bound(to: .ip(Self.loopback, port: 0), sharesPort: true)
        try sharing.listen()
        for taken in [stranger.localAddress().port, sharing.localAddress().port] {
            for place in [Self.place(taken), Self.place(taken, .anyIPv4)] {
                #expect(Self.refusal(at: place) == EADDRINUSE)
                #expect(throws: SystemCallError.self) { try ListeningSockets.open(at: place, count: 1, beside: []) }
            }
        }
        let nowhere = Self.place(TestPort.free(), IPAddress("192.0.2.1")!)
        #expect(Self.refusal(at: nowhere) == EADDRNOTAVAIL)
        // It is asked for beside a socket of ours, too.
        let own = Self.place(nowhere.address.port, .anyIPv4)
        let opened = try ListeningSockets.open(at: own, count: 1, beside: [])
        #expect(Self.refusal(at: nowhere, beside: [own]) == EADDRNOTAVAIL)
        #expect(Self.refusal(at: Self.place(nowhere.address.port), beside: [own]) == nil)
        _ = opened
    }

    /// A folder of its own, removed afterwards.
    private final class Folder {
        let path: String

        init() {
            var template = Array("/tmp/heddle-listening-XXXXXX".utf8CString)
            _ = unsafe mkdtemp(&template)
            path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }

        deinit {
            for name in ["a.sock", "file"] { _ = unsafe unlink("\(path)/\(name)") }
            _ = unsafe rmdir(path)
        }

        /// Of what lies there; 0: nothing.
        func inode(_ name: String) -> UInt {
            var status = stat()
            return unsafe lstat("\(path)/\(name)", &status) == 0 ? UInt(status.st_ino) : 0
        }

        func place(_ name: String) -> ListeningPlace { ListeningPlace(.unix(path: "\(path)/\(name)")) }
    }

    @Test func `a rehearsal makes no Unix socket, and removes none that nobody listens at`() throws {
        let folder = Folder()
        let place = folder.place("a.sock")
        #expect(Self.refusal(at: place) == nil)
        #expect(folder.inode("a.sock") == 0)

        var listening: ListeningSockets? = try ListeningSockets.open(at: place, count: 1, beside: [])
        let inode = folder.inode("a.sock")
        #expect(Self.refusal(at: place) == EADDRINUSE)
        _ = listening
        listening = nil
        #expect(Self.refusal(at: place) == nil)
        #expect(folder.inode("a.sock") == inode)

        close(unsafe creat("\(folder.path)/file", 0o600))
        #expect(Self.refusal(at: folder.place("file")) == EEXIST)
        #expect(Self.refusal(at: ListeningPlace(.unix(path: "\(folder.path)/none/a.sock"))) == ENOENT)
    }

    @Test func `a set that does not come to serve takes its Unix socket with it`() async throws {
        let folder = Folder()
        let backend = TestBackend.echo()
        try await Shop.serve(backend) { port, mesh in
            let more = """
                apiVersion: heddle/v1
                kind: Workload
                metadata: {name: web-2, namespace: shop}
                spec: {serviceAccount: web, outbound: {listen: "unix:\(folder.path)/a.sock"}}
                """
            let prepared = try mesh.prepare(
                Shop.manifests(outbound: port, orders: backend.port, more: Shop.proxy("") + "\n---\n" + more))
            #expect(folder.inode("a.sock") != 0)
            prepared.abandon()
            #expect(folder.inode("a.sock") == 0)
        }
    }

    @Test func `all listeners of a set are rehearsed, and each that is taken is told`() async throws {
        let stranger = TestBackend.echo()
        let backend = TestBackend.echo()
        let free = TestPort.free()
        try await Shop.serve(backend) { port, mesh in
            let knocks = Knocks(at: free)
            let more = [free, stranger.port].map { port in
                """
                apiVersion: heddle/v1
                kind: Workload
                metadata: {name: web-\(port), namespace: shop}
                spec: {serviceAccount: web, outbound: {listen: "127.0.0.1:\(port)"}}
                """
            }
            let manifests = Shop.manifests(
                outbound: port, orders: backend.port, more: ([Shop.proxy("")] + more).joined(separator: "\n---\n"))
            for _ in 0..<20 {
                let problems = try mesh.rehearse(manifests)
                #expect(problems.map(\.code) == [.cannotListen])
            }
            #expect(knocks.counted() == 0)
            let response = try RawConnection.call(port: port, "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n")
            #expect(response.status == 200)
        }
    }
}
