import AllocationCounter
import Glibc
import HTTPSemantics
import WireProtocols

/// Times one head from bytes to canonical form and back to bytes, and counts what it allocates.
@main
enum HeadBenchmark {
    static let requests: [(name: String, bytes: String)] = [
        ("wrk GET", "GET /orders/17 HTTP/1.1\r\nHost: orders.shop:15101\r\n\r\n"),
        (
            "curl GET",
            "GET /api/v1/orders?page=2&size=50 HTTP/1.1\r\nHost: orders.shop\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"
        ),
        (
            "6 fields GET",
            "GET /api/v1/orders/17?expand=items HTTP/1.1\r\nHost: orders.shop:15101\r\nUser-Agent: checkout/4.2 (linux; x64)\r\n"
                + "Accept: application/json\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n"
                + "X-Request-Id: 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0\r\n\r\n"
        ),
        (
            "escaped path GET",
            "GET /api/%7Eme/../v1//orders/%2561/./x%2fy HTTP/1.1\r\nHost: Orders.Shop.:80\r\nAccept: */*\r\n\r\n"
        ),
    ]
    static let response =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 64\r\nDate: Sun, 22 Nov 2026 17:00:00 GMT\r\n"
        + "Server: orders\r\n\r\n"

    static func main() {
        let rounds = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 1_000_000 : 1_000_000
        let bench = Bench()
        for request in requests {
            bench.report(request.name, Array(request.bytes.utf8), rounds) { $0.parseRequest($1) }
            bench.report(request.name + " + write", Array(request.bytes.utf8), rounds) {
                $0.parseRequest($1)
                $0.writeRequest()
            }
        }
        bench.report("response", Array(response.utf8), rounds) { $0.parseResponse($1) }
        bench.report("response + write", Array(response.utf8), rounds) {
            $0.parseResponse($1)
            $0.writeResponse()
        }
    }
}

/// Holds what a worker would hold between heads.
final class Bench {
    private var head = MessageHead()
    private var framing = HTTP1Framing()
    private var output = ByteBuffer()
    private let limits = HTTP1Limits()

    func parseRequest(_ bytes: Span<UInt8>) {
        var scan = HTTP1ScanState()
        let used = try? HTTP1RequestParser.parse(
            bytes, into: &head, framing: &framing, limits: limits, scan: &scan, scheme: .http)
        precondition(used == bytes.count)
        head.removeHopByHopFields()
        head.removeHeddleFields()
    }

    func writeRequest() {
        output.removeAll()
        HTTP1Serializer.appendRequest(head, body: framing.body, to: &output)
    }

    func parseResponse(_ bytes: Span<UInt8>) {
        var scan = HTTP1ScanState()
        let used = try? HTTP1ResponseParser.parse(
            bytes, into: &head, framing: &framing, limits: limits, scan: &scan, requestMethod: .get)
        precondition(used == bytes.count)
        head.removeHopByHopFields()
        head.removeHeddleFields()
    }

    func writeResponse() {
        output.removeAll()
        let body = ResponseBody(BodyLength(framing.body), status: head.status, answering: .get)
        HTTP1Serializer.appendResponse(head, body: body, keepsAlive: true, minorVersion: 1, to: &output)
    }

    /// Prints the best of five runs, in nanoseconds a head, and what all of them allocated.
    func report(_ name: String, _ bytes: [UInt8], _ rounds: Int, _ work: (Bench, Span<UInt8>) -> Void) {
        for _ in 0..<1000 { work(self, bytes.span) }
        var best = UInt64.max
        let before = heddle_allocation_count()
        for _ in 0..<5 {
            let start = now()
            for _ in 0..<rounds { work(self, bytes.span) }
            best = min(best, now() - start)
        }
        let allocations = heddle_allocation_count() - before
        let nanoseconds = Double(best) / Double(rounds)
        let rounded = (nanoseconds * 10).rounded() / 10
        print("\(name) (\(bytes.count) bytes): \(rounded) ns, \(allocations) allocations in \(5 * rounds) heads")
    }

    private func now() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
