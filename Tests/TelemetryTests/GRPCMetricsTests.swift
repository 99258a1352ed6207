import Testing

@testable import Telemetry

@Suite struct GRPCMetricsTests {
    private let shop = Label(id: 1)
    private let bank = Label(id: 2)

    private func record(
        _ metrics: inout GRPCMetrics, _ path: String, status: UInt8 = 0, isProven: Bool = true, service: Label? = nil
    ) {
        metrics.record(
            service: service ?? shop, path: Array(path.utf8).span, status: status, isProven: isProven)
    }

    private func count(_ metrics: GRPCMetrics, _ path: String, _ status: UInt8 = 0, _ service: Label? = nil) -> UInt64?
    {
        metrics.counts.first { key, _ in
            key.method == Array(path.utf8) && key.status == status && key.service == service ?? shop
        }?.value
    }

    @Test func `a method that nobody was let through to gets no name of its own`() {
        var metrics = GRPCMetrics()
        for number in 0..<2_000 { record(&metrics, "/made.Up/\(number)", status: 7, isProven: false) }
        record(&metrics, "/shop.v1.Orders/Get")
        record(&metrics, "/shop.v1.Orders/Get", status: 7, isProven: false)
        #expect(metrics.counts.count == 3)
        #expect(count(metrics, "other", 7) == 2_000)
        #expect(count(metrics, "/shop.v1.Orders/Get") == 1)
        // Known by now, so that its failures are its own.
        #expect(count(metrics, "/shop.v1.Orders/Get", 7) == 1)
    }

    @Test func `methods are bounded: the one unused for longest goes, and its calls are counted still`() {
        var metrics = GRPCMetrics()
        for number in 0..<GRPCMetrics.methodLimit { record(&metrics, "/a.B/\(number)") }
        #expect(metrics.counts.count == GRPCMetrics.methodLimit)
        for number in 0..<3 * GRPCMetrics.methodLimit {
            record(&metrics, "/a.B/0")
            record(&metrics, "/new.C/\(number)")
        }
        #expect(metrics.counts.count == GRPCMetrics.methodLimit + 1)
        let calls = UInt64(GRPCMetrics.methodLimit)
        // But once, when all were in use and it was the first to be asked, it stayed.
        #expect(count(metrics, "/a.B/0")! + count(metrics, "other")! > 3 * calls)
        #expect(metrics.counts.values.reduce(0, +) == 7 * calls)
        #expect(count(metrics, "/new.C/\(3 * GRPCMetrics.methodLimit - 1)") == 1)
    }

    @Test func `two services with one method are told apart`() {
        var metrics = GRPCMetrics()
        record(&metrics, "/grpc.health.v1.Health/Check")
        record(&metrics, "/grpc.health.v1.Health/Check", status: GRPCMetrics.noStatus, service: bank)
        #expect(count(metrics, "/grpc.health.v1.Health/Check") == 1)
        #expect(count(metrics, "/grpc.health.v1.Health/Check", GRPCMetrics.noStatus, bank) == 1)
    }

    @Test func `a method that is too long has no name`() {
        var metrics = GRPCMetrics()
        record(&metrics, "/" + String(repeating: "a", count: GRPCMetrics.methodByteLimit))
        #expect(count(metrics, "other") == 1)
    }

    @Test func `workers' shares are added up`() {
        var (one, other) = (GRPCMetrics(), GRPCMetrics())
        record(&one, "/a.B/c")
        record(&other, "/a.B/c")
        record(&other, "/a.B/c", status: 14)
        let labels = LabelRegistry()
        _ = labels.label("shop/orders")
        var text = PrometheusText()
        text.grpc([one, other], names: labels)
        let lines = text.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        let name = #"heddle_grpc_calls_total{service="shop/orders",grpc_service="a.B",grpc_method="c",grpc_status="#
        #expect(lines == [#"\#(name)"0"} 2"#, #"\#(name)"14"} 1"#])
    }
}
