import Glibc

/// A message's head, which each protocol writes in its own way.
struct Head {
    /// The method or the status.
    var start: String
    var host = ""
    var path = "/"
    var fields: [(name: String, value: String)] = []
    /// What `content-length` says; `nil`: it is not there.
    var length: Int?
    /// More follows.
    var hasBody: Bool
    var isWebSocket = false
}

/// One side's end of a call, written and read by hand: with Heddle's own codecs no fault of theirs would be seen.
class Wire {
    final let link: Link
    final let side: Side
    final var seen = Sighting()

    init(_ link: Link, _ side: Side) {
        self.link = link
        self.side = side
    }

    // MARK: Saying

    func send(_ head: Head) {}
    func say(_ bytes: [UInt8]) {}
    /// All is said.
    func finish(trailers: [String: String]) {}
    /// Ends its half of what the call is on.
    func endHalf() { link.endOutput() }
    func reset() { link.reset() }
    /// The stream was not looked at; of a connection there is no such thing.
    func refuse() {}

    /// Says pieces without end until it has heard enough.
    func flood(until isEnough: (Sighting) -> Bool) {
        let piece = floodPiece
        var rest = piece[...]
        while !isEnough(seen), seen.fate == .none {
            guard Link.waits(for: [link.descriptor], POLLIN | POLLOUT, Link.patience) != nil else { return }
            if link.hasInput {
                hearOnce()
            } else if let count = link.offer(rest) {
                rest = count == rest.count ? piece[...] : rest.dropFirst(count)
            } else {
                seen.fate = .reset
            }
        }
    }

    var floodPiece: [UInt8] { [UInt8](repeating: 9, count: 16_384) }

    // MARK: Hearing

    func receive(_ bytes: [UInt8]) {}
    /// The other side has ended its half of the connection.
    func inputEnded() { seen.fate = .closed }
    /// Forgets what was seen: another call follows on the same connection.
    func beginNext() { seen = Sighting() }

    /// Listens until it has heard enough, what the call is on has ended, or nothing more comes.
    final func hear(until isEnough: (Sighting) -> Bool) {
        while !isEnough(seen), seen.fate == .none { guard hearOnce() else { return } }
    }

    /// - Returns: Whether anything came.
    @discardableResult
    final func hearOnce() -> Bool {
        switch link.read() {
        case .bytes(let bytes): receive(bytes)
        case .ended: inputEnded()
        case .reset: seen.fate = .reset
        case .nothing: return false
        }
        return true
    }

    /// Says nothing for so long.
    static func listen(_ wires: [Wire], for duration: Duration) {
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end {
            let left = CInt((end - .now) / .milliseconds(1)) + 1
            if let index = Link.waits(for: wires.map(\.link.descriptor), POLLIN, left) { wires[index].hearOnce() }
        }
    }

    final func hearAll() { hear { $0.isOver } }
    final func hearFate() { hear { $0.fate != .none } }

    /// Only what the matrix looks at.
    final func note(trailers: [(name: String, value: String)]) {
        for (name, value) in trailers where Self.watched.contains(name) { seen.trailers[name] = value }
    }

    private static let watched: Set<String> = ["x-sent", "x-answered", "grpc-status"]
}

/// TCP.
final class ByteWire: Wire {
    override func say(_ bytes: [UInt8]) { link.send(bytes) }
    override func finish(trailers: [String: String]) { link.endOutput() }
    override func receive(_ bytes: [UInt8]) { seen.body += bytes }
    override func inputEnded() { if seen.isWhole { seen.fate = .closed } else { seen.isWhole = true } }
}
