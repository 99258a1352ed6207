/// gRPC calls by service, method and status: one worker's share, added up on a scrape.
package struct GRPCMetrics: Sendable {
    package struct Key: Hashable, Sendable {
        /// The Service of the mesh that was called.
        package let service: Label
        /// `/package.Service/Method`, as it was called.
        package let method: Label
        /// 0 to 16; `GRPCMetrics.noStatus`: the call ended without one.
        package let status: UInt8
    }

    package static let noStatus: UInt8 = 255
    /// Methods that are told apart; callers make them up. What is over counts as `other`.
    private static let methodLimit = 1_000

    package private(set) var counts: [Key: UInt64] = [:]
    private var methods: [UInt64: (path: [UInt8], label: Label)] = [:]

    package init() {}

    package mutating func record(service: Label, path: Span<UInt8>, status: UInt8, labels: LabelRegistry) {
        let key = Key(service: service, method: method(path, labels), status: status)
        counts[key, default: 0] += 1
    }

    private mutating func method(_ path: Span<UInt8>, _ labels: LabelRegistry) -> Label {
        let hash = Self.hash(path)
        if let known = methods[hash] { return Self.equal(known.path, path) ? known.label : labels.label("other") }
        guard methods.count < Self.methodLimit else { return labels.label("other") }
        var bytes: [UInt8] = []
        for index in path.indices { bytes.append(path[index]) }
        let label = labels.label(String(decoding: bytes, as: UTF8.self))
        methods[hash] = (bytes, label)
        return label
    }

    /// FNV-1a.
    private static func hash(_ bytes: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in bytes.indices { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
        return hash
    }

    private static func equal(_ known: [UInt8], _ path: Span<UInt8>) -> Bool {
        guard known.count == path.count else { return false }
        for index in known.indices where known[index] != path[index] { return false }
        return true
    }

    /// Adds another worker's share.
    package mutating func add(_ other: GRPCMetrics) { counts.merge(other.counts, uniquingKeysWith: +) }
}

extension PrometheusText {
    /// The counter of gRPC calls.
    package mutating func grpc(_ metrics: GRPCMetrics, names: LabelRegistry) {
        metric("heddle_grpc_calls_total", .counter, help: "gRPC calls that ended, by service, method and status.")
        let samples = metrics.counts.map { key, count in
            let path = names.name(of: key.method)
            let parts = path.split(separator: "/", maxSplits: 1)
            return (
                labels: [
                    (name: "service", value: names.name(of: key.service)),
                    (name: "grpc_service", value: parts.count == 2 ? String(parts[0]) : path),
                    (name: "grpc_method", value: parts.count == 2 ? String(parts[1]) : ""),
                    (name: "grpc_status", value: key.status == GRPCMetrics.noStatus ? "" : String(key.status)),
                ], count: count
            )
        }
        for (labels, count) in samples.sorted(by: {
            $0.labels.lexicographicallyPrecedes($1.labels) { $0.value < $1.value }
        }) {
            sample("heddle_grpc_calls_total", labels, count)
        }
    }
}
