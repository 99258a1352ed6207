import Authorization
import CommonValues
import EventLoops
import Glibc
import HTTPSemantics
import Manifests
import SPIFFE
import Telemetry
import TransportSecurity
import WireProtocols

/// One core's share of the data plane: a loop, and everything its connections need. Nothing here is shared with another
/// worker, and nothing is touched from another thread but through `perform`.
///
/// SAFETY: `@unchecked Sendable`: after `run` only the loop's thread uses its state.
@safe
final class Worker: @unchecked Sendable {
    let index: Int
    let loop: EventLoop
    var view: WorkerView {
        didSet {
            viewNumber += 1
            timeouts = view.timeouts
            limits = view.limits
            http2Limits = view.http2Limits
            accessLogging = view.accessLog
        }
    }
    /// Tells one view from the next, whatever generation it is of.
    private(set) var viewNumber: UInt64 = 0
    /// The view's, here because every event of every connection asks for them.
    private(set) var timeouts: MillisecondTimeouts
    private(set) var limits: HTTP1Limits
    private(set) var http2Limits: HTTP2Limits
    private(set) var accessLogging: Manifests.AccessLog
    var identities: TLSMaterial {
        didSet { for pool in pools.values { pool.certificatesChanged() } }
    }

    // What the turn at hand works with; free again when it is over.
    let blocks = BlockPool()
    let scratch = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: scratchByteCount)
    var output = ByteBuffer()
    var responseHead = MessageHead()
    var trailers = MessageHead()
    var tunnelHead = MessageHead(byteCapacity: 0, fieldCapacity: 0)
    let noTrailers = MessageHead()
    var random = FastRandom()
    let http2Memory = HTTP2Memory()

    // What is counted and told.
    var metrics = RequestMetrics()
    var grpcMetrics = GRPCMetrics()
    let labels: LabelRegistry
    var counters = WorkerCounters()
    let accessLog: AccessLogWriter
    let date: DateField
    let replies: LocalReplies
    private var decisionCounts: [UInt64] = []
    var decisions = DecisionLog()
    let events: EventSink
    /// Shared with the other workers.
    let provenPeers: ProvenPeers
    let peerTermLimits: PeerTerm.Limits

    var callers = KnownCallers()
    let retries: RetryQueue
    private var exchanges: [Exchange] = []
    /// Copies of calls that are under way. Their originals may be over.
    private var mirrors: [Exchange] = []
    private var serverStreams: [HTTP2ServerStream] = []
    private var clientStreams: [HTTP2ClientStream] = []
    private var pools: [PoolKey: UpstreamPool] = [:]
    private(set) var listeners: [ListeningPlace: Listener] = [:]
    private(set) var connections: [any ServerConnection] = []
    /// Bytes of one read from which on the rest of a plain tunnel passes inside the kernel: a full buffer. Of another size for
    /// tests.
    var bulkByteCount = scratchByteCount

    // What there is room for.
    var descriptors: DescriptorShare
    /// Until then no caller's connection will have been quiet for long enough to give way.
    var noneQuietBefore: DeadlineWheel.Time = 0

    private struct PoolKey: Hashable {
        let address: NetworkAddress
        let target: UpstreamTarget
    }

    /// Bytes one read takes: 64 KiB.
    static let scratchByteCount = 64 * 1024

    init(
        index: Int, view: WorkerView, identities: TLSMaterial, accessLog: LineSink, events: EventSink,
        labels: LabelRegistry, descriptors: DescriptorShare.Limits, provenPeers: ProvenPeers = ProvenPeers(),
        peerTermLimits: PeerTerm.Limits = PeerTerm.Limits()
    ) throws {
        self.provenPeers = provenPeers
        self.peerTermLimits = peerTermLimits
        self.labels = labels
        self.index = index
        self.view = view
        timeouts = view.timeouts
        limits = view.limits
        http2Limits = view.http2Limits
        accessLogging = view.accessLog
        self.identities = identities
        self.descriptors = DescriptorShare(descriptors)
        self.events = events
        self.accessLog = AccessLogWriter(sink: accessLog)
        loop = try EventLoop()
        retries = RetryQueue(loop: loop)
        date = DateField(loop: loop)
        replies = LocalReplies(date: date)
        output.reserve(4096)
    }

    deinit { unsafe scratch.deallocate() }

    /// Runs `work` on the worker's thread.
    func perform(_ work: @escaping @Sendable (Worker) -> Void) {
        loop.post { work(self) }
    }

    // MARK: Generations

    private var isDraining = false

    /// Serves `view` from the next request on, and judges what is under way by it.
    /// - Parameter kept: The sockets that go on, and whose they are now. All others are closed, once new ones take calls.
    func adopt(_ view: WorkerView, opened: [ListeningPlace: Listener], kept: [ListeningPlace: ListeningPlace]) {
        self.view = view
        // One that has drained is judged by what is in force, too, and takes nothing new any more.
        let opened = isDraining ? [:] : opened
        for listener in opened.values { listener.start(on: self) }
        for (place, listener) in listeners {
            if let next = kept[place].flatMap({ view.listeners[$0.address] }) {
                listener.view = next
            } else {
                listeners[place] = nil
                listener.stop()
            }
        }
        listeners.merge(opened) { $1 }
        for connection in connections {
            if connection.isStranded { connection.drain() }
            connection.judgeAgain(in: view)
        }
        for mirror in mirrors { mirror.judgeAgain(in: view) }
        dropUnusedPools()
    }

    private func dropUnusedPools() {
        let served = Set(view.services.flatMap { $0.endpoints.map(\.address) })
        for (key, pool) in pools {
            if !served.contains(key.address) { pool.closeIdle() }
            // One whose identity nobody bears any more is never asked for again.
            if pool.connectionCount == 0 { pools[key] = nil }
        }
    }

    var allPools: some Collection<UpstreamPool> { pools.values }

    func pool(address: NetworkAddress, target: UpstreamTarget) -> UpstreamPool {
        let key = PoolKey(address: address, target: target)
        if let pool = pools[key] { return pool }
        let pool = UpstreamPool(address: address, target: target, worker: self)
        pools[key] = pool
        return pool
    }

    /// Stops accepting; every answer under way is the last of its connection.
    func drain() {
        isDraining = true
        for listener in listeners.values { listener.stop() }
        listeners = [:]
        for connection in connections { connection.drain() }
    }

    var openConnectionCount: Int { connections.count }

    func closeAll() {
        for connection in connections { connection.close() }
    }

    // MARK: Connections

    var isFull: Bool { !descriptors.admits(.caller) }

    func connectionOpened(_ connection: any ServerConnection) {
        connection.registryIndex = connections.count
        connections.append(connection)
        descriptors.change(.caller, by: 1)
    }

    /// One connection took another's place: it found out that it speaks another protocol.
    func connectionChanged(_ old: any ServerConnection, to new: any ServerConnection) {
        new.registryIndex = old.registryIndex
        old.registryIndex = -1
        if new.registryIndex >= 0 { connections[new.registryIndex] = new }
    }

    func connectionClosed(_ connection: any ServerConnection) {
        let index = connection.registryIndex
        guard index >= 0 else { return }
        connection.registryIndex = -1
        descriptors.change(.caller, by: -1)
        let last = connections.removeLast()
        if last !== connection {
            connections[index] = last
            last.registryIndex = index
        }
        for listener in listeners.values { listener.resume() }
    }

    // MARK: Exchanges

    func takeExchange() -> Exchange {
        guard let exchange = exchanges.popLast() else { return Exchange(worker: self) }
        exchange.reuse()
        return exchange
    }

    func giveBack(_ exchange: Exchange) {
        exchange.reset()
        if exchanges.count < Self.keptExchanges { exchanges.append(exchange) } else { exchange.leaveLoop() }
    }

    func mirrorBegan(_ mirror: Exchange) {
        mirror.mirrorIndex = mirrors.count
        mirrors.append(mirror)
    }

    func mirrorEnded(_ mirror: Exchange) {
        let index = mirror.mirrorIndex
        guard index >= 0 else { return }
        mirror.mirrorIndex = -1
        let last = mirrors.removeLast()
        if last !== mirror {
            mirrors[index] = last
            last.mirrorIndex = index
        }
    }

    func takeServerStream() -> HTTP2ServerStream { serverStreams.popLast() ?? HTTP2ServerStream(worker: self) }
    func takeClientStream() -> HTTP2ClientStream { clientStreams.popLast() ?? HTTP2ClientStream(worker: self) }

    func giveBack(_ stream: HTTP2ServerStream) {
        stream.reset()
        if serverStreams.count < Self.keptExchanges { serverStreams.append(stream) } else { stream.leaveLoop() }
    }

    func giveBack(_ stream: HTTP2ClientStream) {
        stream.reset()
        if clientStreams.count < Self.keptExchanges { clientStreams.append(stream) } else { stream.leaveLoop() }
    }

    /// Exchanges, and streams of each kind, kept for the next calls: about 2 MiB.
    private static let keptExchanges = 256

    // MARK: Counting

    func count(_ decision: Decision, of service: ServiceView) {
        let label = decision.policy < 0 ? service.policyLabels.last! : service.policyLabels[Int(decision.policy)]
        let index = Int(label.id) * 2 + (decision.isAllowed ? 0 : 1)
        if index >= decisionCounts.count {
            decisionCounts.append(contentsOf: repeatElement(0, count: index + 1 - decisionCounts.count))
        }
        decisionCounts[index] += 1
    }

    func report() -> WorkerReport {
        counters.open = connections.count
        counters.queuedBytes = connections.reduce(0) {
            $0 + $1.queuedByteCount + $1.queuedRequestByteCount
        }
        counters.upstream = pools.values.reduce(0) { $0 + $1.connectionCount }
        return WorkerReport(metrics: metrics, grpc: [grpcMetrics], counters: counters, decisions: decisionCounts)
    }
}
