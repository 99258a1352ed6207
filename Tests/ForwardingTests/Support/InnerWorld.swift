import CallPlanning
import EventLoops
import ServiceContracts
import ServiceFixtures
import Synchronization
import TestSupport

@testable import Forwarding

/// A workload, and what Heddle answers for itself at `config.mesh`.
final class InnerWorld: Sendable {
    let service = EchoService()
    let host: ServiceHost
    var executor: ServiceExecutor { host.executor }
    let mesh: TestMesh
    let port = TestPort.free()
    private let proxy: String
    private let selectors: String?

    /// What web may read of the Config `shop/app`.
    static func reads(_ paths: String) -> String {
        manifest(
            "AuthorizationPolicy", "reads",
            "{targetRefs: [{kind: Config, name: app}], action: ALLOW, rules: [{from: [{source: "
                + "{serviceAccounts: [shop/web]}}], to: [{operation: {methods: [GET], paths: [\(paths)]}}]}]}")
    }

    static let all = reads("\"/values/{**}\"")
    static let none = reads("/values/other")

    init(
        _ rules: String = all, proxy: String = "", selectors: String? = nil, threads: Int = 2,
        waiting: Int = ServiceExecutor.waitingLimit, accessLog: LineSink? = nil
    ) async throws {
        self.proxy = proxy
        self.selectors = selectors
        host = ServiceHost(service, name: "echo", threadCount: threads, waitingLimit: waiting)
        mesh = try await TestMesh(
            Self.manifests(port, rules, proxy, selectors), inner: [.config: host], accessLog: accessLog)
    }

    func serve(_ rules: String, selectors: String? = nil) async throws {
        try await mesh.serve(Self.manifests(port, rules, proxy, selectors ?? self.selectors))
    }

    /// Ends it, once nothing is left of its calls.
    /// - Returns: Whether nothing was.
    func stop() async -> Bool {
        let isIdle = await Poll.until { await openCalls() == 0 && service.watcherCount == 0 }
        await mesh.stop()
        return isIdle
    }

    /// Calls to services of Heddle's own that are under way.
    func openCalls() async -> Int {
        let count = Mutex(0)
        await mesh.dataPlane.onEveryWorker { worker in count.withLock { $0 += worker.board.locals.count } }
        return count.withLock { $0 }
    }

    private static func manifests(_ port: UInt16, _ rules: String, _ proxy: String, _ selectors: String?) -> String {
        """
        apiVersion: heddle/v1
        kind: Mesh
        metadata: {name: mesh}
        spec: {proxy: {accessLog: All\(proxy.isEmpty ? "" : ", \(proxy)")}}
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: web-1, namespace: shop}
        spec:
          serviceAccount: web
          \(selectors.map { "selectors: \($0)" } ?? "")
          outbound: {listen: "127.0.0.1:\(port)"}
        ---
        \(manifest("ConfigSource", "base", "{type: Inline, data: {a: 1}}"))
        ---
        \(manifest("Config", "app", "{sources: [base]}"))
        ---
        \(rules)
        """
    }
}

/// What a caller speaks.
enum LocalDialect: CaseIterable, Sendable { case http1, http2 }

/// One call at a time to a service of Heddle's own, as a client makes it.
final class InnerCaller {
    let connection: RawConnection
    let peer: HTTP2Peer?
    private var stream: UInt32 = 0
    private(set) var status = 0
    private(set) var fields: [String: String] = [:]
    private(set) var body: [UInt8] = []
    /// The answer has come to its end.
    private(set) var isWhole = false
    /// It was cut.
    private(set) var isCut = false
    private var isChunked = false
    private var left: Int?

    private static let window: UInt32 = 1 << 30

    init(_ dialect: LocalDialect, port: UInt16) throws {
        connection = try RawConnection(port: port)
        peer = dialect == .http2 ? HTTP2Peer(calling: connection) : nil
        guard let peer else { return }
        peer.send(settings: [(id: 4, value: Self.window)])
        peer.send(HTTP2Peer.FrameType.windowUpdate, HTTP2Peer.bytes(Self.window))
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    /// Asks; a body may follow.
    func ask(_ method: String, _ path: String, fields: [(String, String)] = [], hasBody: Bool = false) {
        (status, body, isWhole, isCut, left) = (0, [], false, false, nil)
        if let peer {
            stream = peer.begin(
                [(":method", method), (":scheme", "http"), (":authority", "config.mesh"), (":path", path)] + fields,
                ends: !hasBody)
            return
        }
        let lines = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
        let framing = hasBody ? "transfer-encoding: chunked\r\n" : ""
        connection.send("\(method) \(path) HTTP/1.1\r\nhost: config.mesh\r\n\(lines)\(framing)\r\n")
    }

    func get(_ path: String, fields: [(String, String)] = []) {
        ask("GET", path, fields: fields)
        hear()
    }

    /// A piece of the request's body, within what a window takes.
    func say(_ bytes: [UInt8]) {
        if let peer {
            peer.send(HTTP2Peer.FrameType.data, stream: stream, bytes)
        } else {
            connection.send(Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8))
        }
    }

    func finish() {
        if let peer {
            peer.send(HTTP2Peer.FrameType.data, flags: 1, stream: stream)
        } else {
            connection.send("0\r\n\r\n")
        }
    }

    /// Gives the call up.
    func leave() {
        if let peer {
            peer.send(HTTP2Peer.FrameType.reset, stream: stream, HTTP2Peer.bytes(8))
        } else {
            connection.reset()
        }
    }

    /// Listens until it is enough, or nothing more comes.
    func hear(until isEnough: (InnerCaller) -> Bool = { _ in false }) {
        while !isWhole, !isCut, !isEnough(self) {
            if let peer { hear(peer) } else { hearConnection() }
        }
    }

    private func hear(_ peer: HTTP2Peer) {
        guard let frame = peer.receive() else {
            isCut = true
            return
        }
        // Whosever they are: the table of the fields' compression goes on with them.
        let block = frame.type == HTTP2Peer.FrameType.headers ? peer.fields(frame) : nil
        guard frame.stream == stream else { return }
        if let block, status == 0, let final = block.first(where: { $0.0 == ":status" })?.1, final != "100" {
            status = Int(final) ?? 0
            fields = Dictionary(block, uniquingKeysWith: { $1 })
        }
        if frame.type == HTTP2Peer.FrameType.data { body += frame.payload }
        if frame.type == HTTP2Peer.FrameType.reset { isCut = true } else if frame.endsStream { isWhole = true }
    }

    private func hearConnection() {
        if status == 0 {
            let response = Response(head: connection.receive(through: "\r\n\r\n"), body: "")
            guard response.status != 0 else {
                isCut = true
                return
            }
            guard response.status != 100 else { return }
            status = response.status
            fields = Dictionary(
                response.head.split(separator: "\r\n").dropFirst().compactMap { line in
                    let parts = line.split(separator: ":", maxSplits: 1).map { String($0.drop { $0 == " " }) }
                    return parts.count == 2 ? (parts[0].lowercased(), parts[1]) : nil
                }, uniquingKeysWith: { $1 })
            isChunked = fields["transfer-encoding"] == "chunked"
            left = isChunked ? nil : Int(fields["content-length"] ?? "0")
            isWhole = left == 0
        } else if isChunked {
            hearChunk()
        } else if let left {
            let bytes = connection.receive(count: min(left, 16_384))
            isCut = bytes.isEmpty
            body += bytes
            self.left = left - bytes.count
            isWhole = self.left == 0
        }
    }

    private func hearChunk() {
        let line = connection.receive(through: "\r\n")
        guard line.hasSuffix("\r\n"), let size = Int(line.dropLast(1), radix: 16) else {
            isCut = true
            return
        }
        body += connection.receive(count: size)
        _ = connection.receive(through: "\r\n")
        isWhole = size == 0
    }
}
