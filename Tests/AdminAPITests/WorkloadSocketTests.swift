import Diagnostics
import Glibc
import Manifests
import MeshFixtures
import MeshSnapshot
import Reconciliation
import Synchronization
import SystemInterfaces
import Testing

@testable import AdminAPI

/// The socket that programs ask at: where it is, who may, and what `status` says of it.
struct WorkloadSocketTests {
    private let folder: TemporaryFolder
    private let server: AdminServer
    private let participant = WorkloadSocketParticipant(node: nil)

    init() throws {
        folder = try TemporaryFolder()
        server = try AdminServer(mesh: FakeMesh(), socketPath: folder.socketPath)
        participant.attach(server)
    }

    private func path(_ name: String) -> String { "\(folder.path)/\(name)" }

    private func snapshot(at path: String, selectors: String = "[{exec: {}}]") throws -> MeshSnapshot {
        try MeshSnapshot(
            """
            apiVersion: heddle/v1
            kind: Mesh
            metadata: {name: mesh}
            spec: {workloadSocket: {path: "\(path)"}}
            ---
            apiVersion: heddle/v1
            kind: Workload
            metadata: {name: job, namespace: shop}
            spec: {serviceAccount: job, selectors: \(selectors), outbound: {listen: "127.0.0.1:1"}}
            """)
    }

    private func prepare(_ snapshot: MeshSnapshot) async throws -> any PreparedChange {
        try await participant.prepare(snapshot, generation: Generation(number: 1, hash: ""))
    }

    /// - Returns: What there was to say.
    private func commit(_ snapshot: MeshSnapshot) async throws -> [Diagnostic] {
        let change = try await prepare(snapshot)
        await change.commit()
        return change.warnings
    }

    private func permissions(_ path: String) -> mode_t? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status.st_mode : nil
    }

    // MARK: Where it is

    @Test func `it is there for everybody while a workload may be started, and moves with the manifests`() async throws
    {
        let (first, second) = (path("first.sock"), path("second.sock"))
        #expect(try await commit(snapshot(at: first, selectors: "[{unix: {uid: 7}}]")).isEmpty)
        #expect(permissions(first) == nil)
        #expect(participant.report == nil)
        #expect(try await commit(snapshot(at: first)).isEmpty)
        #expect(permissions(first) == S_IFSOCK | 0o666)
        #expect(participant.report?.path == first)
        #expect(try await commit(snapshot(at: second)).isEmpty)
        #expect(permissions(first) == nil)
        #expect(permissions(second) == S_IFSOCK | 0o666)
        // The same place is kept as it is.
        #expect(try await commit(snapshot(at: second)).isEmpty)
        #expect(!participant.isLost)
        #expect(try await commit(snapshot(at: second, selectors: "[{unix: {uid: 7}}]")).isEmpty)
        #expect(permissions(second) == nil)
    }

    @Test func `what is abandoned leaves nothing, and what answered goes on`() async throws {
        let (first, second) = (path("first.sock"), path("second.sock"))
        #expect(try await commit(snapshot(at: first)).isEmpty)
        let change = try await prepare(snapshot(at: second))
        await change.abandon()
        #expect(permissions(second) == nil)
        #expect(permissions(first) != nil)
        #expect(participant.report?.path == first)
        #expect(try await commit(snapshot(at: first, selectors: "[{unix: {uid: 7}}]")).isEmpty)
    }

    @Test func `one that somebody removed is made again`() async throws {
        let first = path("first.sock")
        #expect(try await commit(snapshot(at: first)).isEmpty)
        #expect(unsafe unlink(first) == 0)
        #expect(participant.isLost)
        participant.restore()
        #expect(!participant.isLost)
        #expect(permissions(first) != nil)
        #expect(try await commit(snapshot(at: first, selectors: "[{unix: {uid: 7}}]")).isEmpty)
    }

    // MARK: What is in its way

    @Test func `a place that is no socket's is told of by the name of this socket, held back, and had once it is free`()
        async throws
    {
        let (first, taken) = (path("first.sock"), path("taken"))
        #expect(try await commit(snapshot(at: first)).isEmpty)
        let file = unsafe open(taken, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        close(file)
        let said = try await commit(snapshot(at: taken))
        #expect(said.map(\.code) == [.workloadSocket])
        #expect(
            said.first?.found
                == "\"\(taken)\", the place of the workload socket, is there already and is no socket; remove it, or choose another "
                + "place with workloadSocket.path of the Mesh")
        #expect(participant.report?.isHeldBack == true)
        #expect(permissions(first) == nil)
        await participant.retry()
        #expect(participant.heldBack.map(\.code) == [.workloadSocket])
        #expect(unsafe unlink(taken) == 0)
        await participant.retry()
        #expect(participant.heldBack.isEmpty)
        #expect(permissions(taken) == S_IFSOCK | 0o666)
        #expect(try await commit(snapshot(at: taken, selectors: "[{unix: {uid: 7}}]")).isEmpty)
    }

    @Test(arguments: [AdminSocket.Purpose.admin, .workload])
    func `each socket is told of by its own name and setting`(purpose: AdminSocket.Purpose) throws {
        let isAdmin = purpose == .admin
        let (name, setting) = (
            isAdmin ? "the admin socket" : "the workload socket", isAdmin ? "--admin" : "workloadSocket.path"
        )
        func message(_ path: String) -> String {
            do throws(AdminServerError) {
                _ = try AdminSocket.bind(purpose, at: path, path)
                return ""
            } catch { return "\(error)" }
        }
        let answered = try AdminSocket.bind(purpose, at: path("a"), path("a"))
        for text in [
            message("relative"), message("/" + String(repeating: "a", count: 107)), message("/proc"),
            message(path("a")),
        ] {
            #expect(text.contains(name) && text.contains(setting), "\(text)")
        }
        let lost = message("/nowhere/a/b")
        #expect(lost.hasPrefix("cannot listen at \(name) \"/nowhere/a/b\": "), "\(lost)")
        answered.file.remove()
    }

    // MARK: What status says

    private func status(_ mesh: FakeMesh, _ query: [(name: String, value: String)]) async throws -> String {
        let other = try TemporaryFolder()
        return try await serving(mesh, in: other) { try $0.send("GET", ["v1", "status"], query: query).output.text }
    }

    @Test func `status says where it is, and what was started there`() async throws {
        let mesh = try FakeMesh()
        let text = [(name: "format", value: "text")]
        #expect(try await !status(mesh, text).contains("workload socket"))
        mesh.workloadSocket.withLock { $0 = WorkloadSocketReport(path: "/run/heddle/workload.sock", isHeldBack: false) }
        let job = ResourceName(namespace: "shop", name: "job")
        mesh.programs.withLock { $0 = [ProgramReport(workload: job, pids: [7, 812])] }
        let shown = try await status(mesh, text)
        #expect(shown.contains("workload socket  /run/heddle/workload.sock\n"), "\(shown)")
        #expect(shown.contains("WORKLOAD  STARTED  PIDS\nshop/job  2        7, 812\n"), "\(shown)")
        let json = try await status(mesh, [])
        #expect(json.contains("\"programCount\": 2") && json.contains("\"alone\": 0"), "\(json)")
        #expect(!shown.contains("alone"))
        mesh.programs.withLock { $0[0].aloneCount = 1 }
        let other = try await status(mesh, text)
        #expect(other.contains("shop/job  2, 1 alone  7, 812\nalone: no control groups here"), "\(other)")
        mesh.workloadSocket.withLock { $0?.isHeldBack = true }
        #expect(try await status(mesh, text).contains("/run/heddle/workload.sock (held back)\n"))
    }

    @Test func `of very many programs some are listed, and all are counted`() async throws {
        let mesh = try FakeMesh()
        mesh.programs.withLock { programs in
            programs = (10..<40).map { number in
                ProgramReport(workload: ResourceName(namespace: "shop", name: "w\(number)"), pids: Array(1...100))
            }
        }
        let shown = try await status(mesh, [(name: "format", value: "text")])
        #expect(shown.contains("19, 20 and 80 more\n"), "\(shown)")
        #expect(shown.contains("shop/w29") && !shown.contains("shop/w30"), "\(shown)")
        #expect(shown.contains("and 1000 of 10 more\n"), "\(shown)")
        let json = try await status(mesh, [])
        #expect(json.contains("\"programCount\": 3000") && !json.contains("w30"), "\(json)")
    }
}
