import CallOutcomes
import Testing

@testable import Telemetry

struct PrometheusTextTests {
    private let names = LabelRegistry()

    private func key(_ service: String, status: UInt16 = 200, reason: FailureReason = .none) -> RequestMetrics.Key {
        .init(service: names.label(service), route: names.label("shop/r/0"), status: status, reason: reason)
    }

    @Test func `buckets are cumulative and end in the count`() {
        var metrics = RequestMetrics()
        metrics.record(key("shop/orders"), microseconds: 400)
        metrics.record(key("shop/orders"), microseconds: 700)
        metrics.record(key("shop/orders"), microseconds: 60_000_000)
        var text = PrometheusText()
        text.requests(metrics, names: names)

        let labels = #"service="shop/orders",route="shop/r/0",code="200",reason="""#
        #expect(text.text.contains("heddle_requests_total{\(labels)} 3\n"))
        #expect(text.text.contains("_bucket{\(labels),le=\"0.0005\"} 1\n"))
        #expect(text.text.contains("_bucket{\(labels),le=\"0.001\"} 2\n"))
        #expect(text.text.contains("_bucket{\(labels),le=\"10\"} 2\n"))
        #expect(text.text.contains("_bucket{\(labels),le=\"+Inf\"} 3\n"))
        #expect(text.text.contains("_sum{\(labels)} 60.001100\n"))
    }

    @Test func `label values are escaped`() {
        var text = PrometheusText()
        text.sample("m", [(name: "l", value: "a\"b\\c\nd")], 1)
        #expect(text.text == "m{l=\"a\\\"b\\\\c\\nd\"} 1\n")
    }

    @Test func `workers' shares add up`() {
        var first = RequestMetrics()
        var second = RequestMetrics()
        first.record(key("a"), microseconds: 1)
        second.record(key("a"), microseconds: 2)
        second.record(key("b", status: 403, reason: .denied), microseconds: 3)
        first.add(second)
        #expect(first.series.map(\.count) == [2, 1])
        #expect(first.series[0].microseconds == 3)
    }
}
