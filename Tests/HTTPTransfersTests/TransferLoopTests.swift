import HTTPTransfers
import Synchronization
import TestSupport
import Testing

/// Takes what comes of one transfer.
private final class Answer: TransferReceiver {
    struct State {
        var head: TransferHead?
        var body: [UInt8] = []
        var end: Result<Void, TransferFailure>?
    }

    let state = Mutex(State())
    private let limit: Int

    init(limit: Int = .max) { self.limit = limit }

    func received(_ head: TransferHead) { state.withLock { $0.head = head } }

    func received(_ bytes: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            unsafe state.body += bytes
            return state.body.count < limit
        }
    }

    func ended(_ failure: TransferFailure?) {
        state.withLock { $0.end = failure.map { .failure($0) } ?? .success(()) }
    }

    var isEnded: Bool { state.withLock { $0.end != nil } }
    var body: String { state.withLock { String(decoding: $0.body, as: UTF8.self) } }
    var status: Int? { state.withLock { $0.head?.status } }

    var failure: String? {
        state.withLock { if case .failure(let failure) = $0.end { failure.description } else { nil } }
    }
}

@Suite struct TransferLoopTests {
    private let loop: TransferLoop

    init() throws { loop = try TransferLoop() }

    private func fetch(_ request: TransferRequest, limit: Int = .max) -> Answer {
        let answer = Answer(limit: limit)
        loop.start(request, for: answer)
        #expect(Poll.until { answer.isEnded })
        return answer
    }

    private func url(_ backend: TestBackend, _ path: String = "/") -> String {
        "http://127.0.0.1:\(backend.port)\(path)"
    }

    @Test func whatIsAskedAndWhatComesIsWhole() {
        let backend = TestBackend.echo()
        var request = TransferRequest(url(backend, "/a?b=c"))
        request.fields = [("if-none-match", "\"1\"")]
        let answer = fetch(request)
        #expect(answer.status == 200)
        #expect(answer.state.withLock { $0.head?["x-backend"] } == "echo")
        #expect(answer.body.hasPrefix("GET /a?b=c HTTP/1.1\r\n"))
        #expect(answer.body.contains("if-none-match: \"1\"\r\n"))
        #expect(answer.failure == nil)
    }

    @Test func aBodyIsSentAsItIs() {
        let backend = TestBackend.echo()
        var request = TransferRequest(url(backend))
        request.method = "POST"
        request.fields = [("expect", "")]
        request.body = Array(String(repeating: "x", count: 300_000).utf8)
        let answer = fetch(request)
        #expect(answer.body.hasPrefix("POST / HTTP/1.1\r\n"))
        #expect(answer.body.hasSuffix(String(repeating: "x", count: 300_000)))
    }

    @Test func manyGoOnAtOnce() {
        let backend = TestBackend.echo()
        let answers = (0..<50).map { number in
            let answer = Answer()
            loop.start(TransferRequest(url(backend, "/\(number)")), for: answer)
            return answer
        }
        #expect(Poll.until { answers.allSatisfy(\.isEnded) })
        for (number, answer) in answers.enumerated() { #expect(answer.body.hasPrefix("GET /\(number) HTTP/1.1\r\n")) }
    }

    @Test func whoeverHasEnoughGetsNoMore() {
        let backend = TestBackend { connection, _ in
            _ = connection.receive(through: "\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
            while connection.send(String(repeating: "x", count: 1 << 16)) {}
        }
        let answer = fetch(TransferRequest(url(backend)), limit: 1 << 20)
        #expect(answer.failure == nil)
        #expect(answer.state.withLock { $0.body.count } < 1 << 21)
    }

    @Test func anEndlessHeadIsAFailure() {
        let backend = TestBackend { connection, _ in
            _ = connection.receive(through: "\r\n\r\n")
            connection.send("HTTP/1.1 200 OK\r\n")
            while connection.send("X-Field: \(String(repeating: "x", count: 1000))\r\n") {}
        }
        #expect(fetch(TransferRequest(url(backend))).failure != nil)
    }

    @Test func whatIsCutOffIsAFailure() {
        let backend = TestBackend.fixed("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", closes: true)
        let answer = fetch(TransferRequest(url(backend)))
        #expect(answer.body == "half")
        #expect(answer.failure != nil)
    }

    @Test func nobodyThereIsAFailure() {
        let answer = fetch(TransferRequest("http://127.0.0.1:\(TestPort.free())/"))
        #expect(answer.failure?.contains("connect") == true)
        #expect(answer.status == nil)
    }

    @Test(arguments: ["file:///etc/passwd", "gopher://127.0.0.1/", "no url", ""])
    func nothingButHTTPIsFetched(url: String) {
        #expect(fetch(TransferRequest(url)).failure != nil)
    }

    @Test func aRedirectionIsAnAnswer() {
        let backend = TestBackend.fixed(
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        let answer = fetch(TransferRequest(url(backend)))
        #expect(answer.status == 302)
        #expect(answer.failure == nil)
    }

    @Test func aTimeThatIsOverIsAFailure() {
        let gate = Gate()
        let backend = TestBackend { connection, _ in
            _ = connection.receive(through: "\r\n\r\n")
            gate.pass()
        }
        defer { gate.open() }
        var request = TransferRequest(url(backend))
        request.totalTime = Duration.milliseconds(50)
        #expect(fetch(request).failure != nil)
    }

    @Test func whoIsCancelledIsToldNothingMore() {
        let backend = TestBackend { connection, backend in
            _ = connection.receive(through: "\r\n\r\n")
            backend.note("asked")
            // Until the other side has gone.
            _ = connection.receive(through: "\r\n")
            backend.note("gone")
        }
        let answer = Answer()
        let transfer = loop.start(TransferRequest(url(backend)), for: answer)
        #expect(Poll.until { backend.requests == ["asked"] })
        transfer.cancel()
        #expect(Poll.until { backend.requests == ["asked", "gone"] })
        #expect(!answer.isEnded)
    }

    @Test func aLoopThatStopsFailsWhatIsUnderWay() throws {
        let loop = try TransferLoop()
        let gate = Gate()
        let backend = TestBackend { connection, backend in
            _ = connection.receive(through: "\r\n\r\n")
            backend.note("asked")
            gate.pass()
        }
        defer { gate.open() }
        let (first, second) = (Answer(), Answer())
        loop.start(TransferRequest(url(backend)), for: first)
        #expect(Poll.until { backend.requests == ["asked"] })
        loop.stop()
        #expect(Poll.until { first.failure != nil })
        loop.start(TransferRequest(url(backend)), for: second)
        #expect(second.failure != nil)
    }
}
