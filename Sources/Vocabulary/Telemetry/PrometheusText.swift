import CallOutcomes

/// Prometheus' text exposition format, version 0.0.4.
package struct PrometheusText {
    package enum Kind: String { case counter, gauge, histogram }

    package private(set) var text = ""

    package init() {}

    /// Begins a metric; its samples follow.
    package mutating func metric(_ name: String, _ kind: Kind, help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    package mutating func sample(_ name: String, _ labels: [(name: String, value: String)] = [], _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0.name)=\"\(Self.escape($0.value))\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    package mutating func sample(_ name: String, _ labels: [(name: String, value: String)] = [], _ value: UInt64) {
        sample(name, labels, String(value))
    }

    /// The request counter and latency histogram.
    package mutating func requests(_ metrics: RequestMetrics, names: LabelRegistry) {
        let ordered = metrics.series.map { (labels: Self.labels(of: $0.key, names), series: $0) }
            .sorted { $0.labels.lexicographicallyPrecedes($1.labels) { $0.value < $1.value } }
        metric("heddle_requests_total", .counter, help: "Calls that ended, by service, route, status code and reason.")
        for (labels, series) in ordered { sample("heddle_requests_total", labels, series.count) }
        let name = "heddle_request_duration_seconds"
        metric(name, .histogram, help: "From a call's whole head to the last byte of its answer.")
        for (labels, series) in ordered {
            var total: UInt64 = 0
            for (bound, count) in zip(LatencyBounds.seconds + ["+Inf"], series.buckets) {
                total += count
                sample(name + "_bucket", labels + [(name: "le", value: bound)], total)
            }
            sample(name + "_sum", labels, Self.seconds(series.microseconds))
            sample(name + "_count", labels, series.count)
        }
    }

    private static func labels(of key: RequestMetrics.Key, _ names: LabelRegistry) -> [(name: String, value: String)] {
        [
            (name: "service", value: names.name(of: key.service)), (name: "route", value: names.name(of: key.route)),
            (name: "code", value: key.status == 0 ? "" : String(key.status)),
            (name: "reason", value: key.reason.name.description),
        ]
    }

    /// Microseconds as seconds, without a detour over floating point.
    package static func seconds(_ microseconds: UInt64) -> String {
        let fraction = String(microseconds % 1_000_000)
        return "\(microseconds / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
    }

    private static func escape(_ value: String) -> String {
        var escaped = ""
        for character in value {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
