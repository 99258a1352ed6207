import EventLoops
import Glibc
import SystemInterfaces
import Testing

@testable import AdminAPI

/// A folder that goes with its owner.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/heddle-admin-XXXXXX".utf8CString)
        try #require(unsafe mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        _ = unsafe unlink(path + "/admin.sock")
        _ = unsafe rmdir(path)
    }

    var socketPath: String { path + "/admin.sock" }
}

/// Runs a server while `body` runs.
@discardableResult
func serving<Result: Sendable>(
    _ mesh: FakeMesh, in folder: TemporaryFolder, limits: AdminLimits = AdminLimits(),
    _ body: @Sendable @escaping (AdminClient) throws -> Result
) async throws -> Result {
    let server = try AdminServer(mesh: mesh, socketPath: folder.socketPath, limits: limits)
    return try await running(server) { try body(AdminClient(path: folder.socketPath)) }
}

/// Runs a server while `body` runs, on a thread of its own: it blocks, and tasks have few threads.
func running<Result: Sendable>(
    _ server: AdminServer, _ body: @Sendable @escaping () throws -> Result
) async throws -> Result {
    let running = Task { await server.run() }
    let outcome = await withCheckedContinuation { continuation in
        try! SystemThread.start(name: "client") {
            continuation.resume(returning: Swift.Result(catching: body))
        }
    }
    running.cancel()
    await running.value
    return try outcome.get()
}

/// Sends bytes, and returns all that is answered until the other side ends.
func rawExchange(_ path: String, _ bytes: String, pieceByteCount: Int = .max) throws -> String {
    let socket = Glibc.socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let result = unsafe withUnsafeBytes(of: &address) {
        unsafe connect(
            socket, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(MemoryLayout<sockaddr_un>.size))
    }
    try #require(result == 0)
    return exchange(socket, bytes, pieceByteCount)
}

func rawExchange(_ port: UInt16, _ bytes: String) throws -> String {
    let socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = unsafe withUnsafeBytes(of: &address) {
        unsafe connect(
            socket, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(MemoryLayout<sockaddr_in>.size))
    }
    try #require(result == 0)
    return exchange(socket, bytes, .max)
}

private func exchange(_ socket: CInt, _ text: String, _ pieceByteCount: Int) -> String {
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
        let end = min(bytes.count, sent + min(pieceByteCount, bytes.count))
        let count = unsafe bytes[sent..<end].withUnsafeBytes {
            unsafe send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
        }
        guard count > 0 else { break }
        sent += count
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = unsafe recv(socket, &buffer, buffer.count, 0)
        guard count > 0 else { break }
        answer += buffer[..<count]
    }
    return String(decoding: answer, as: UTF8.self)
}

extension [UInt8] {
    var text: String { String(decoding: self, as: UTF8.self) }
}

/// Tests that ask an admin API, one question a server.
protocol AdminAsking {
    var folder: TemporaryFolder { get }
}

extension AdminAsking {
    func answer(
        _ method: String, _ path: [String], _ query: [(name: String, value: String)] = [], mesh: FakeMesh? = nil,
        contentType: String? = nil, body: [UInt8] = []
    ) async throws -> AdminClient.Answer {
        try await serving(mesh ?? FakeMesh(), in: folder) {
            try $0.send(method, path, query: query, contentType: contentType, body: body)
        }
    }

    /// What a command asks for that prints text.
    static var text: [(name: String, value: String)] { [(name: "format", value: "text")] }
}
