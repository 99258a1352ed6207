import Glibc
import HPACKCoding
import TestSupport

/// One end of an HTTP/2 connection that says whatever it is told to, and writes down what the other end says. It
/// acknowledges SETTINGS and PING by itself, and nothing else.
///
/// SAFETY: `@unchecked Sendable`: one thread at a time has it.
final class HTTP2Probe: @unchecked Sendable {
    enum Role { case client, server }

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// What came on one stream.
    struct Stream {
        var heads: [Fields] = []
        var body: [UInt8] = []
        var hasEnded = false
        var reset: Code?
        var resetCount = 0

        var isOver: Bool { hasEnded || reset != nil }
        /// Of the final response.
        var status: Int? { heads.lazy.compactMap { $0[":status"].flatMap(Int.init) }.first { $0 >= 200 } }
        var text: String { String(latin1: body) }
    }

    let connection: RawConnection
    let role: Role
    var acknowledges = true
    private(set) var log: [Frame] = []
    private(set) var streams: [UInt32: Stream] = [:]
    private(set) var goAways: [(last: UInt32, code: Code)] = []
    private(set) var peerSettings: [UInt16: UInt32] = [:]
    private(set) var settingsAcknowledgements = 0
    private(set) var pingAcknowledgements: [[UInt8]] = []
    private(set) var decoder = HPACKDecoder()
    /// What this end may send, as far as it was told.
    private(set) var credit = FlowCredit()
    var conduct: Conduct
    private var fieldBlock: (frame: Frame, bytes: [UInt8])?
    private var unacknowledged: [[Setting]] = []
    private var pingCount: UInt32 = 0

    init(_ connection: RawConnection, role: Role) {
        self.connection = connection
        self.role = role
        conduct = Conduct(isServer: role == .client)
        var one: CInt = 1
        _ = unsafe setsockopt(
            connection.descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
        // A peer that takes nothing more must not keep a test for ever.
        var timeout = timeval(tv_sec: Int(Poll.patience.components.seconds), tv_usec: 0)
        _ = unsafe setsockopt(
            connection.descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    // MARK: Sending

    /// - Returns: Whether the kernel took it; the peer may have closed.
    @discardableResult
    func send(_ frames: Frame...) -> Bool { send(frames) }

    @discardableResult
    func send(_ frames: [Frame]) -> Bool {
        for frame in frames {
            conduct.noteSent(frame)
            credit.spend(frame)
            if frame.kind == .settings, !frame.flags.contains(.acknowledgement), frame.stream == 0 {
                unacknowledged.append(frame.settings)
            }
        }
        return connection.send(frames.flatMap(\.bytes))
    }

    @discardableResult
    func send(bytes: [UInt8]) -> Bool { connection.send(bytes) }

    /// Both prefaces, exchanged and acknowledged.
    @discardableResult
    func shakeHands(_ settings: [Setting] = []) -> Bool {
        if role == .client { send(bytes: Self.preface) }
        if role == .server { guard connection.receive(count: Self.preface.count) == Self.preface else { return false } }
        send(.settings(settings))
        return read { $0.settingsAcknowledgements > 0 && $0.log.contains { $0.isPreface } }
    }

    /// Everything sent so far has been looked at, and answered as far as it is answered at once.
    @discardableResult
    func makeRoundTrip() -> Bool {
        pingCount += 1
        let payload = Array("trip".utf8) + pingCount.bigEndianBytes
        send(.ping(payload))
        return read { $0.pingAcknowledgements.contains(payload) }
    }

    // MARK: Receiving

    var hasEnded: Bool { connection.isEnded }

    func stream(_ id: UInt32) -> Stream { streams[id] ?? Stream() }

    /// Reads until something is so; false if the connection ended or nothing more came before it was.
    @discardableResult
    func read(until isDone: (HTTP2Probe) -> Bool) -> Bool {
        while !isDone(self) { guard next() != nil else { return isDone(self) } }
        return true
    }

    @discardableResult
    func readEnd(of stream: UInt32) -> Bool { read { $0.stream(stream).isOver || !$0.goAways.isEmpty } }

    /// Reads until the peer closes.
    @discardableResult
    func readToEnd() -> Bool {
        read { $0.hasEnded }
        return hasEnded
    }

    /// The next frame, written down; `nil` at the end and when nothing comes in time.
    @discardableResult
    func next() -> Frame? {
        let head = connection.receive(count: 9)
        guard head.count == 9 else { return nil }
        let count = Int(UInt32(bigEndian: [0] + head[0..<3]))
        let frame = Frame(
            kind: Frame.Kind(rawValue: head[3]), flags: Frame.Flags(rawValue: head[4]),
            stream: UInt32(bigEndian: head[5...]), payload: connection.receive(count: count))
        guard frame.payload.count == count else { return nil }
        log.append(frame)
        conduct.noteReceived(frame)
        take(frame)
        return frame
    }

    private func take(_ frame: Frame) {
        credit.note(frame)
        switch frame.kind {
        case .data:
            streams[frame.stream, default: Stream()].body += frame.content
            if frame.flags.contains(.endStream) { streams[frame.stream]?.hasEnded = true }
        case .headers, .pushPromise:
            fieldBlock = (frame, Array(frame.content))
            if frame.flags.contains(.endHeaders) { takeFieldBlock() }
        case .continuation:
            fieldBlock?.bytes += frame.payload
            if frame.flags.contains(.endHeaders) { takeFieldBlock() }
        case .resetStream:
            streams[frame.stream, default: Stream()].reset = Code(rawValue: UInt32(bigEndian: frame.payload))
            streams[frame.stream]?.resetCount += 1
        case .settings where frame.flags.contains(.acknowledgement):
            settingsAcknowledgements += 1
            guard !unacknowledged.isEmpty else { break }
            for setting in unacknowledged.removeFirst() {
                if setting.identifier == 1 { decoder.acknowledged(headerTableSize: Int(setting.value)) }
                conduct.noteInForce(setting)
            }
        case .settings:
            for setting in frame.settings { peerSettings[setting.identifier] = setting.value }
            if acknowledges { send(.settingsAcknowledgement) }
        case .ping where frame.flags.contains(.acknowledgement): pingAcknowledgements.append(frame.payload)
        case .ping: if acknowledges { send(.ping(frame.payload, acknowledges: true)) }
        case .goAway:
            goAways.append(
                (UInt32(bigEndian: frame.payload) & 0x7fff_ffff, Code(rawValue: UInt32(bigEndian: frame.payload[4...])))
            )
        default: break
        }
    }

    private func takeFieldBlock() {
        guard let (frame, bytes) = fieldBlock else { return }
        fieldBlock = nil
        do throws(HPACKDecoder.Mistake) {
            let fields = Fields(lines: try decoder.decode(bytes))
            guard frame.kind == .headers else { return }
            conduct.noteHead(fields, on: frame.stream, endsStream: frame.flags.contains(.endStream))
            streams[frame.stream, default: Stream()].heads.append(fields)
            if frame.flags.contains(.endStream) { streams[frame.stream]?.hasEnded = true }
        } catch {
            conduct.complain("a field block that no decoder takes: \(error)")
        }
    }

    /// What came, for people.
    var story: String {
        let frames = log.suffix(30).map(\.summary)
        return "the peer said: " + (log.count > 30 ? ["…"] + frames : frames).joined(separator: ", ")
            + (hasEnded ? ", end" : ", then nothing")
    }
}

/// How much of DATA may be sent, on each stream and in all (RFC 9113 § 6.9.1).
struct FlowCredit {
    private(set) var connection = 65_535
    private var initial = 65_535
    private var streams: [UInt32: Int] = [:]

    func stream(_ id: UInt32) -> Int { streams[id] ?? initial }
    func left(_ id: UInt32) -> Int { min(connection, stream(id)) }

    mutating func spend(_ frame: Frame) {
        guard frame.kind == .data else { return }
        connection -= frame.payload.count
        streams[frame.stream, default: initial] -= frame.payload.count
    }

    /// A frame that came.
    mutating func note(_ frame: Frame) {
        if frame.kind == .windowUpdate, frame.payload.count == 4 {
            let increment = Int(UInt32(bigEndian: frame.payload))
            if frame.stream == 0 {
                connection += increment
            } else {
                streams[frame.stream, default: initial] += increment
            }
        }
        for setting in frame.kind == .settings ? frame.settings : [] where setting.identifier == 4 {
            for id in streams.keys { streams[id]! += Int(setting.value) - initial }
            initial = Int(setting.value)
        }
    }
}

extension Frame {
    /// The first frame of either side.
    var isPreface: Bool { kind == .settings && !flags.contains(.acknowledgement) }

    /// The payload without padding and what else comes before the content.
    var content: ArraySlice<UInt8> {
        var content = payload[...]
        var padding = 0
        if flags.contains(.padded) { padding = Int(content.popFirst() ?? 0) }
        if kind == .headers, flags.contains(.priority) { content = content.dropFirst(5) }
        if kind == .pushPromise { content = content.dropFirst(4) }
        return content.dropLast(padding)
    }

    var settings: [Setting] {
        stride(from: 0, to: payload.count - 5, by: 6).map {
            Setting(
                identifier: UInt16(payload[$0]) << 8 | UInt16(payload[$0 + 1]),
                value: UInt32(bigEndian: payload[($0 + 2)...]))
        }
    }

    var summary: String {
        let names = [
            "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
            "CONTINUATION",
        ]
        let name = kind.rawValue < names.count ? names[Int(kind.rawValue)] : "type \(kind.rawValue)"
        let end = (kind == .data || kind == .headers) && flags.contains(.endStream) ? " END_STREAM" : ""
        switch kind {
        case .resetStream: return "\(name)(\(stream)) \(Code(rawValue: UInt32(bigEndian: payload)))"
        case .goAway:
            return "\(name)(last \(UInt32(bigEndian: payload))) \(Code(rawValue: UInt32(bigEndian: payload[4...])))"
        case .settings, .ping: return name + (flags.contains(.acknowledgement) ? " ACK" : "")
        default: return "\(name)(\(stream)) \(payload.count)\(end)"
        }
    }
}

enum Thread {
    /// What waits for a peer must not take a thread from what the peer needs one for.
    static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in spawn { continuation.resume(returning: body()) } }
    }
}
