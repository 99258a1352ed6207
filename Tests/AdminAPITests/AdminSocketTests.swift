import EventLoops
import Glibc
import SystemInterfaces
import TestSupport
import Testing

@testable import AdminAPI

/// The admin socket, as a file.
struct AdminSocketTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func permissions(_ path: String) -> mode_t? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status.st_mode : nil
    }

    @Test func `the socket is its owner's alone, and goes with the server`() async throws {
        let mode = try await serving(FakeMesh(), in: folder) { [folder] _ in permissions(folder.socketPath) }
        #expect(mode == S_IFSOCK | 0o600)
        #expect(permissions(folder.socketPath) == nil)
    }

    @Test func `a socket that a dead process left behind is replaced`() async throws {
        do { _ = try Socket.bound(to: .unix(path: folder.socketPath), sharesPort: false) }
        #expect(permissions(folder.socketPath) != nil)
        let answer = try await serving(FakeMesh(), in: folder) { try $0.send("GET", ["healthz"]) }
        #expect(answer.status == 200)
    }

    @Test func `a socket in a folder that is held lies there, wherever the folder is moved`() async throws {
        let moved = folder.path + ".moved"
        let held = HeldFolder(folder.path)
        #expect(throws: AdminServerError.self) {
            try AdminServer(mesh: FakeMesh(), socketPath: folder.socketPath, stateFolder: held).bindSocket()
        }
        try held.hold(OpenFolder(folder.path))
        #expect(unsafe rename(folder.path, moved) == 0)
        let server = try AdminServer(mesh: FakeMesh(), socketPath: folder.socketPath, stateFolder: held)
        let answer = try await running(server) { try AdminClient(path: moved + "/admin.sock").send("GET", ["healthz"]) }
        #expect(answer.status == 200)
        #expect(permissions(moved + "/admin.sock") == nil, "it goes with the process")
        #expect(unsafe rename(moved, folder.path) == 0)
    }

    @Test(.enabled(if: geteuid() == 0, "root sees everything, and can be somebody else"))
    func `a socket that cannot be seen is not taken for one that was removed, and is seen again`() throws {
        let server = try AdminServer(mesh: FakeMesh(), socketPath: folder.socketPath)
        #expect(!server.isSocketLost)
        Nobody.run {
            #expect(server.isSocketLost)
            #expect(throws: AdminServerError.self) { try server.bindSocket() }
        }
        #expect(server.socketProblem?.description.contains("cannot see whether") == true)
        #expect(server.isSocketLost, "until it is told")
        #expect(try !server.bindSocket())
        #expect(server.socketProblem == nil && !server.isSocketLost)
        #expect(unsafe unlink(folder.socketPath) == 0)
        #expect(server.isSocketLost)
        #expect(try server.bindSocket())
        #expect(permissions(folder.socketPath) == S_IFSOCK | 0o600)
    }

    @Test func `a socket that is answered is left alone`() async throws {
        let answer = try await serving(FakeMesh(), in: folder) { [folder] client in
            #expect(throws: AdminServerError.self) { try AdminServer(mesh: FakeMesh(), socketPath: folder.socketPath) }
            return try client.send("GET", ["healthz"])
        }
        #expect(answer.status == 200)
    }

    @Test func `what is no socket is left alone, and a relative path refused`() throws {
        #expect(throws: AdminServerError.self) { try AdminServer(mesh: FakeMesh(), socketPath: folder.path) }
        #expect(throws: AdminServerError.self) { try AdminServer(mesh: FakeMesh(), socketPath: "relative.sock") }
        #expect(permissions(folder.path) != nil)
    }

    @Test func `nobody there is said so`() {
        #expect(throws: AdminClient.Unreachable.self) {
            try AdminClient(path: folder.socketPath).send("GET", ["healthz"])
        }
    }
}
