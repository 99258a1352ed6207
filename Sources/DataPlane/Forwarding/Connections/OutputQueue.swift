import EventLoops

/// What a connection has been given and its socket has not taken yet: bytes that are queued, and behind them what comes from
/// another socket and stays inside the kernel. Whoever asks how much there is, or waits for it to go, need not know which.
struct OutputQueue {
    /// Bytes queued on a connection from which on its source is held back: 64 KiB.
    static let highWatermark = 64 * 1024
    /// Bytes queued on a connection below which its source goes on: 16 KiB.
    static let lowWatermark = 16 * 1024

    private var queued = ByteQueue()
    private var passing: Passing?

    /// A pipe, and where it stands. Of its own, as few connections have one.
    private final class Passing {
        var pipe: SplicePipe
        private let whenOver: () -> Void

        init(_ pipe: consuming SplicePipe, whenOver: @escaping () -> Void) {
            self.pipe = pipe
            self.whenOver = whenOver
        }

        deinit { whenOver() }
    }

    /// Bytes in all.
    var count: Int { queued.count + passingCount }
    var isEmpty: Bool { count == 0 }
    /// What it is fed from must wait. A pipe is filled only when it is empty.
    var isCongested: Bool { queued.count >= Self.highWatermark || passingCount > 0 }
    /// What it is fed from may go on.
    var isDrained: Bool { queued.count <= Self.lowWatermark && passingCount == 0 }

    private var passingCount: Int { passing?.pipe.count ?? 0 }

    /// From now on nothing is appended but by `pass`.
    /// - Parameter whenOver: Called once its descriptors are not needed any more.
    /// - Returns: `false` if it cannot be, as descriptors have run out.
    mutating func beginPassing(whenOver: @escaping () -> Void = {}) -> Bool {
        guard passing == nil, let pipe = SplicePipe() else { return false }
        passing = Passing(pipe, whenOver: whenOver)
        return true
    }

    mutating func append(_ bytes: Span<UInt8>, from pool: BlockPool) { queued.append(bytes, from: pool) }

    mutating func append(_ byteCount: Int, of other: inout ByteQueue, pool: BlockPool) {
        queued.append(byteCount, of: &other, pool: pool)
    }

    /// Takes what has come on another connection, without looking at it.
    func pass(from source: inout Transport) -> Transport.Input {
        guard let passing, passing.pipe.count == 0 else { return .wouldBlock }
        return source.receive(into: &passing.pipe)
    }

    /// Writes what the socket takes.
    /// - Returns: `false` if the connection is broken.
    mutating func send(to transport: inout Transport, pool: BlockPool) -> Bool {
        if !queued.isEmpty {
            guard transport.send(&queued, pool: pool) else { return false }
        }
        guard queued.isEmpty, let passing, passing.pipe.count > 0 else { return true }
        return transport.send(&passing.pipe)
    }

    /// Forgets what is queued but its first bytes.
    mutating func truncate(to byteCount: Int, pool: BlockPool) {
        var kept = ByteQueue()
        kept.append(byteCount, of: &queued, pool: pool)
        queued.removeAll(into: pool)
        queued = kept
    }

    mutating func removeAll(into pool: BlockPool) {
        queued.removeAll(into: pool)
        passing = nil
    }
}
