import AllocationCounter
import Glibc
import HTTPSemantics
import WireProtocols

/// Times one call between two HTTP/2 sessions in memory, and counts what it allocates: in steady state nothing. Fails where
/// it does.
@main
enum SessionBenchmark {
    static func main() {
        let rounds = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 200_000 : 200_000
        var allocations: UInt64 = 0
        allocations += Bench(requestByteCount: 0, responseByteCount: 64, hasTrailers: false).report(
            "GET, 64 bytes", rounds)
        allocations += Bench(requestByteCount: 100, responseByteCount: 100, hasTrailers: true)
            .report("gRPC unary, 100 bytes each way", rounds)
        allocations += Bench(requestByteCount: 0, responseByteCount: 1 << 20, hasTrailers: false)
            .report("GET, 1 MiB", rounds / 1000)
        exit(allocations == 0 ? 0 : 1)
    }
}

/// Two sides that hand each other their output.
final class Bench {
    private let memory = HTTP2Memory()
    private let client: Side
    private let server: Side
    private let call: Call
    private let answer: Call
    private var request = MessageHead()

    init(requestByteCount: Int, responseByteCount: Int, hasTrailers: Bool) {
        client = Side(.client, memory)
        server = Side(.server, memory)
        call = Call(client, sends: requestByteCount, hasTrailers: false)
        answer = Call(server, sends: responseByteCount, hasTrailers: hasTrailers)
        server.answer = answer
        server.response.status = 200
        server.response.addField(.date, value: ("Sun, 22 Nov 2026 17:00:00 GMT" as StaticString).bytes)
        server.response.addField(.contentType, value: ("application/grpc" as StaticString).bytes)
        if !hasTrailers { server.response.contentLength = UInt64(responseByteCount) }

        request.setMethod(("POST" as StaticString).bytes)
        do {
            try request.setHost(canonicalizing: ("orders.shop:15101" as StaticString).bytes)
            try request.setPath(canonicalizing: ("/shop.Orders/Get?x=1" as StaticString).bytes)
        } catch {
            preconditionFailure("\(error)")
        }
        request.addField(.te, value: ("trailers" as StaticString).bytes)
        request.addField(.contentType, value: ("application/grpc" as StaticString).bytes)
        request.addField(name: ("user-agent" as StaticString).bytes, value: ("grpc-go/1.62.0" as StaticString).bytes)
        request.addField(.cookie, value: ("session=0123456789abcdef; theme=dark" as StaticString).bytes)
        request.addField(.requestID, value: ("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0" as StaticString).bytes)
        talk()
    }

    private func talk() {
        repeat {
            client.move(to: server)
            server.move(to: client)
        } while client.session.wantsWrite || server.session.wantsWrite
    }

    private func callOnce() {
        call.begin()
        precondition(client.session.submitRequest(request, on: call, endsStream: call.sends == 0))
        talk()
        precondition(call.isClosed && answer.isClosed && call.received == answer.sends && answer.received == call.sends)
    }

    /// Prints the best of five runs, in nanoseconds a call, and what all of them allocated.
    func report(_ name: String, _ rounds: Int) -> UInt64 {
        for _ in 0..<2000 { callOnce() }
        var best = UInt64.max
        let before = heddle_allocation_count()
        for _ in 0..<5 {
            let start = now()
            for _ in 0..<rounds { callOnce() }
            best = min(best, now() - start)
        }
        let allocations = heddle_allocation_count() - before
        print("\(name): \(best / UInt64(rounds)) ns for both sides, \(allocations) allocations in \(5 * rounds) calls")
        return allocations
    }

    private func now() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

final class Side: HTTP2SessionHandler {
    let session: HTTP2Session
    private var output: [UInt8] = []
    private var head = MessageHead()
    var response = MessageHead()
    let trailers: MessageHead
    unowned var answer: Call!

    init(_ role: HTTP2Session.Role, _ memory: HTTP2Memory) {
        var trailers = MessageHead()
        trailers.addField(name: ("grpc-status" as StaticString).bytes, value: ("0" as StaticString).bytes)
        self.trailers = trailers
        session = HTTP2Session(role: role, limits: HTTP2Limits(), memory: memory)
        session.handler = self
    }

    func move(to other: Side) {
        session.flush(upTo: 256 * 1024)
        guard !output.isEmpty else { return }
        var bytes: [UInt8] = []
        swap(&bytes, &output)
        let isAlive = other.session.receive(bytes.span)
        precondition(isAlive)
        bytes.removeAll(keepingCapacity: true)
        swap(&bytes, &output)
    }

    func write(_ bytes: Span<UInt8>) { output.append(copying: bytes) }

    func receivedRequest(_ id: Int32, endsStream: Bool) {
        do throws(HTTP2Error) {
            _ = try session.takeRequest(into: &head, scheme: .https)
        } catch {
            preconditionFailure("\(error)")
        }
        answer.begin()
        session.attach(answer, to: id)
        session.submitResponse(response, on: answer, endsStream: false)
    }

    func receivedPingAcknowledgement(_ payload: UInt64) {}
    func receivedGoAway(lastStream: Int32, code: HTTP2ErrorCode) {}
    func receivedSettings() {}
    func exceeded(_ limit: HTTP2Limit) { preconditionFailure("\(limit)") }
    func refusedStream(_ id: Int32, _ error: HTTP2Error) { preconditionFailure("\(error)") }
}

final class Call: HTTP2Stream {
    private unowned let side: Side
    let sends: Int
    private let hasTrailers: Bool
    private let payload = [UInt8](repeating: 7, count: 65_536)
    private var left = 0
    private(set) var received = 0
    private(set) var isClosed = false

    init(_ side: Side, sends: Int, hasTrailers: Bool) {
        self.side = side
        self.sends = sends
        self.hasTrailers = hasTrailers
        super.init()
    }

    func begin() {
        left = sends
        received = 0
        isClosed = false
    }

    override func receivedData(_ bytes: Span<UInt8>) {
        received += bytes.count
        side.session.consume(self, bytes.count)
    }

    override func closed(_ code: HTTP2ErrorCode) {
        precondition(code == .noError)
        isClosed = true
    }

    override func nextData(limit: Int) -> HTTP2DataStep {
        if left == 0 { return hasTrailers ? .trailers : .bytes(0, isLast: true) }
        let count = min(limit, left)
        return .bytes(count, isLast: count == left && !hasTrailers)
    }

    override func writeData(_ count: Int) {
        let payload = payload
        side.write(payload.span.extracting(0..<count))
        left -= count
    }

    override func sendTrailers() { side.session.submitTrailers(side.trailers, on: self) }
}
