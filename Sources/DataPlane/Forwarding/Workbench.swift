import CommonValues
import EventLoops
import HTTPSemantics
import LocalAttestation
import Manifests
import SystemInterfaces
import Telemetry
import WireProtocols

/// What all connections and calls of one worker work with. It knows none of them, and only its worker's thread touches it.
@safe
final class Workbench {
    let loop: EventLoop

    /// Of the generation in force.
    var settings: ConnectionSettings
    var identities: TLSMaterial

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
    /// Streams of HTTP/2 whose calls are over, for the next ones.
    var serverStreams: [HTTP2Stream] = []
    var clientStreams: [HTTP2Stream] = []

    // What is counted and told.
    var metrics = RequestMetrics()
    var grpcMetrics = GRPCMetrics()
    var counters = WorkerCounters()
    var plainCallers = PlainCallers()
    let events: EventSink
    let date: DateField
    let replies: LocalReplies

    var callers = KnownCallers()
    /// Shared with the other workers.
    let attestor: Attestor
    /// Made when it is first needed: without selectors nobody asks.
    private var diagnosis: SocketDiagnosis?
    /// Shared with the other workers.
    let provenPeers: ProvenPeers
    let peerTermLimits: PeerTerm.Limits
    /// What there is room for.
    var descriptors: DescriptorShare
    /// Bytes of one read from which on the rest of a plain tunnel passes inside the kernel: a full buffer. Of another size for
    /// tests.
    var bulkByteCount = scratchByteCount

    /// Bytes one read takes: 64 KiB.
    static let scratchByteCount = 64 * 1024
    /// Exchanges, and streams of each kind, kept for the next calls: about 2 MiB.
    static let keptCount = 256

    init(
        settings: ConnectionSettings, identities: TLSMaterial, events: EventSink, descriptors: DescriptorShare.Limits,
        attestor: Attestor, provenPeers: ProvenPeers, peerTermLimits: PeerTerm.Limits
    ) throws {
        loop = try EventLoop()
        self.settings = settings
        self.identities = identities
        self.events = events
        self.descriptors = DescriptorShare(descriptors)
        self.attestor = attestor
        self.provenPeers = provenPeers
        self.peerTermLimits = peerTermLimits
        date = DateField(loop: loop)
        replies = LocalReplies(date: date)
        output.reserve(4096)
    }

    deinit { unsafe scratch.deallocate() }

    func socketDiagnosis() throws(Attestor.Nobody) -> SocketDiagnosis {
        if let diagnosis { return diagnosis }
        do throws(SystemCallError) {
            let new = try SocketDiagnosis()
            diagnosis = new
            return new
        } catch {
            throw Attestor.Nobody(reason: "the kernel cannot be asked: \(error)")
        }
    }

    var timeouts: MillisecondTimeouts { settings.timeouts }
    var limits: HTTP1Limits { settings.limits }
    var http2Limits: HTTP2Limits { settings.http2Limits }
}

/// What a generation asks of connections, whatever they are for.
struct ConnectionSettings {
    let timeouts: MillisecondTimeouts
    let limits: HTTP1Limits
    let http2Limits: HTTP2Limits
    let requestsPerConnection: Int
    let idleUpstreamConnections: Int

    init(_ settings: ProxySettings) {
        timeouts = MillisecondTimeouts(settings.timeouts)
        limits = HTTP1Limits(settings.limits)
        http2Limits = HTTP2Limits(settings.limits)
        requestsPerConnection = settings.limits.requestsPerConnection
        idleUpstreamConnections = settings.limits.idleUpstreamConnections
    }
}
