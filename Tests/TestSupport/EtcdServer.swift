import Foundation
import Glibc
import Synchronization

/// A real etcd of one member, with data of its own, on ports of its own.
///
/// SAFETY: `@unchecked Sendable`: `process` is touched under the lock alone.
package final class EtcdServer: @unchecked Sendable {
    /// `nil`: etcd is not installed; the tests that need it say that they were skipped.
    package static let program =
        ProcessInfo.processInfo.environment["ETCD"]
        ?? ["/usr/bin/etcd", "/usr/local/bin/etcd"].first { FileManager.default.isExecutableFile(atPath: $0) }

    package let folder: String
    package let port = TestPort.free()
    private let peerPort = TestPort.free()
    private let lock = Mutex(())
    private var process: Process?

    package var endpoint: String { "http://127.0.0.1:\(port)" }

    package init() throws {
        folder = NSTemporaryDirectory() + "heddle-etcd-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try start()
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Returns when it answers.
    package func start() throws {
        try lock.withLock { _ in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: Self.program ?? "/usr/bin/etcd")
            let peer = "http://127.0.0.1:\(peerPort)"
            process.arguments = [
                "--data-dir", folder + "/data", "--name", "test", "--listen-client-urls", endpoint,
                "--advertise-client-urls", endpoint, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                "--initial-cluster", "test=\(peer)",
            ]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            process.standardInput = FileHandle.nullDevice
            try process.run()
            self.process = process
        }
        guard Poll.until({ (try? put("heddle-is-there", "1")) != nil }) else {
            throw SetUpError("etcd does not answer")
        }
        try delete("heddle-is-there")
    }

    /// At once, as a crash would.
    package func kill() {
        lock.withLock { _ in
            guard let process else { return }
            _ = Glibc.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            self.process = nil
        }
    }

    /// It answers nothing, and its connections stay.
    package func freeze() { lock.withLock { _ in _ = process.map { Glibc.kill($0.processIdentifier, SIGSTOP) } } }
    package func thaw() { lock.withLock { _ in _ = process.map { Glibc.kill($0.processIdentifier, SIGCONT) } } }

    /// Its data is lost; begins anew.
    package func wipe() throws {
        kill()
        try FileManager.default.removeItem(atPath: folder + "/data")
        try start()
    }

    @discardableResult
    package func put(_ key: String, _ value: String) throws -> Int64 {
        try ask("/v3/kv/put", #"{"key":"\#(base64(key))","value":"\#(base64(value))"}"#)
    }

    @discardableResult
    package func delete(_ key: String) throws -> Int64 { try ask("/v3/kv/deleterange", #"{"key":"\#(base64(key))"}"#) }

    /// All of them at one revision.
    package func put(_ pairs: [(key: String, value: String)]) throws {
        let puts = pairs.map { pair in
            #"{"request_put":{"key":"\#(base64(pair.key))","value":"\#(base64(pair.value))"}}"#
        }
        try ask("/v3/kv/txn", #"{"success":[\#(puts.joined(separator: ","))]}"#)
    }

    package func compact(at revision: Int64) throws {
        try ask("/v3/kv/compaction", #"{"revision":"\#(revision)","physical":true}"#)
    }

    private func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    /// - Returns: The store's revision.
    @discardableResult
    package func ask(_ path: String, _ body: String) throws -> Int64 {
        let connection = try RawConnection(port: port)
        connection.send(
            "POST \(path) HTTP/1.1\r\nHost: etcd\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
        )
        let answer = connection.receiveAll()
        guard answer.hasPrefix("HTTP/1.1 200 ") else { throw SetUpError("etcd: \(answer)") }
        guard let revision = answer.range(of: #""revision":""#) else { return 0 }
        return Int64(answer[revision.upperBound...].prefix { $0.isNumber }) ?? 0
    }
}
