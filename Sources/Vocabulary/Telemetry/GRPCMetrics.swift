/// gRPC calls by service, method and status: one worker's share, added up on a scrape.
package struct GRPCMetrics: Sendable {
    package struct Key: Hashable, Sendable {
        /// The Service of the mesh that was called.
        package let service: Label
        /// `/package.Service/Method`, as it was called; `GRPCMetrics.other` for those without a name of their own.
        package let method: [UInt8]
        /// 0 to 16; `GRPCMetrics.noStatus`: the call ended without one.
        package let status: UInt8
    }

    package static let noStatus: UInt8 = 255
    /// What calls count as whose method has no name here.
    package static let other = Array("other".utf8)
    /// Methods that one worker tells apart: 500. Beyond it the one that was not called for longest counts as `other`.
    static let methodLimit = 500
    /// Bytes of a method that is told apart: 256.
    static let methodByteLimit = 256

    /// One method of one service.
    private struct Method {
        let service: Label
        let path: [UInt8]
        let hash: UInt64
        var counts = Counts()
        /// It was called since the hand came by.
        var isInUse = true
    }

    /// Calls by status.
    private struct Counts {
        private var byStatus = InlineArray<18, UInt64>(repeating: 0)

        mutating func add(_ status: UInt8) { byStatus[Self.index(status)] += 1 }

        mutating func add(_ other: Counts) {
            for index in byStatus.indices { byStatus[index] += other.byStatus[index] }
        }

        /// Those that are not 0.
        var all: [(status: UInt8, count: UInt64)] {
            byStatus.indices.filter { byStatus[$0] > 0 }.map {
                (status: $0 == 17 ? GRPCMetrics.noStatus : UInt8($0), count: byStatus[$0])
            }
        }

        private static func index(_ status: UInt8) -> Int { min(Int(status), 17) }
    }

    private var methods: [Method] = []
    /// Places in `methods`, by hash.
    private var places: [UInt64: Int] = [:]
    /// Where the next one to go is looked for.
    private var hand = 0
    private var others: [Label: Counts] = [:]

    package init() {}

    /// - Parameter isProven: The call was let through, and somebody knew the method. Others are counted as what is known by then:
    ///   what strangers make up gets no name.
    package mutating func record(service: Label, path: Span<UInt8>, status: UInt8, isProven: Bool) {
        let hash = Self.hash(path, of: service)
        if let place = places[hash] {
            if methods[place].service == service, Self.equal(methods[place].path, path) {
                methods[place].isInUse = true
                methods[place].counts.add(status)
            } else {
                others[service, default: Counts()].add(status)
            }
            return
        }
        guard isProven, path.count <= Self.methodByteLimit else {
            others[service, default: Counts()].add(status)
            return
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(path.count)
        for index in path.indices { bytes.append(path[index]) }
        var method = Method(service: service, path: bytes, hash: hash)
        method.counts.add(status)
        places[hash] = place(method)
    }

    private mutating func place(_ method: Method) -> Int {
        guard methods.count >= Self.methodLimit else {
            methods.append(method)
            return methods.count - 1
        }
        // The second chance: each that was called since the last round stays for another.
        while methods[hand].isInUse {
            methods[hand].isInUse = false
            hand = (hand + 1) % methods.count
        }
        let place = hand
        let gone = methods[place]
        places[gone.hash] = nil
        others[gone.service, default: Counts()].add(gone.counts)
        methods[place] = method
        hand = (hand + 1) % methods.count
        return place
    }

    /// FNV-1a.
    private static func hash(_ bytes: Span<UInt8>, of service: Label) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(service.id)
        for index in bytes.indices { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
        return hash
    }

    private static func equal(_ known: [UInt8], _ path: Span<UInt8>) -> Bool {
        guard known.count == path.count else { return false }
        for index in known.indices where known[index] != path[index] { return false }
        return true
    }

    /// What was counted, by what it is told under.
    package var counts: [Key: UInt64] {
        var counts: [Key: UInt64] = [:]
        for method in methods {
            for (status, count) in method.counts.all {
                counts[Key(service: method.service, method: method.path, status: status), default: 0] += count
            }
        }
        for (service, other) in others {
            for (status, count) in other.all {
                counts[Key(service: service, method: Self.other, status: status), default: 0] += count
            }
        }
        return counts
    }
}

extension PrometheusText {
    /// The counter of gRPC calls.
    /// - Parameter shares: The workers'.
    package mutating func grpc(_ shares: [GRPCMetrics], names: LabelRegistry) {
        metric("heddle_grpc_calls_total", .counter, help: "gRPC calls that ended, by service, method and status.")
        var totals: [GRPCMetrics.Key: UInt64] = [:]
        for share in shares { totals.merge(share.counts, uniquingKeysWith: +) }
        let samples = totals.map { key, count in
            let path = String(decoding: key.method, as: UTF8.self)
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
