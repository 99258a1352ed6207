import HPACKCoding
import TestSupport

/// One end of an HTTP/2 connection that writes whatever a test says, illegal bytes included, and reads what comes.
final class HTTP2Peer {
    typealias Fields = [(String, String)]

    struct Frame {
        let type: UInt8
        let flags: UInt8
        let stream: UInt32
        let payload: [UInt8]

        var endsStream: Bool { flags & 1 == 1 && type <= 1 }
        /// Of RST_STREAM, or of GOAWAY, which has it after the last stream (RFC 9113 § 6.8).
        var code: UInt32 {
            payload.dropFirst(type == FrameType.goAway ? 4 : 0).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    enum FrameType {
        static let data: UInt8 = 0
        static let headers: UInt8 = 1
        static let reset: UInt8 = 3
        static let settings: UInt8 = 4
        static let ping: UInt8 = 6
        static let goAway: UInt8 = 7
        static let windowUpdate: UInt8 = 8
        static let continuation: UInt8 = 9
    }

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    let connection: RawConnection
    /// SETTINGS and PING are answered as they come: wrong in the middle of a header block.
    var acknowledges = true
    /// WINDOW_UPDATE is received, too.
    var hearsWindows = false
    /// Of each stream, as the other side's SETTINGS have it.
    private(set) var firstWindow = 65_535
    /// Of SETTINGS, by the other side, so far.
    private(set) var settingsAcknowledgements = 0
    /// Whenever the other side asks for a sign of life, or how long the way is.
    var onPing: () -> Void = {}
    private var decoder = HPACKDecoder()
    private var nextStream: UInt32 = 1

    /// The caller's end: says the preface.
    init(calling connection: RawConnection) {
        self.connection = connection
        connection.send(Self.preface)
        send(FrameType.settings)
    }

    /// The workload's end.
    /// - Parameter settings: `nil`: it says none yet.
    /// - Returns: `nil` if the other side does not speak HTTP/2 with prior knowledge.
    init?(serving connection: RawConnection, settings: [(id: UInt8, value: UInt32)]? = []) {
        self.connection = connection
        guard connection.receive(count: Self.preface.count) == Self.preface else { return nil }
        if let settings { send(settings: settings) }
    }

    func send(settings: [(id: UInt8, value: UInt32)]) {
        send(FrameType.settings, settings.flatMap { [0, $0.id] + Self.bytes($0.value) })
    }

    // MARK: Sending

    /// - Returns: Whether the kernel took all of it.
    @discardableResult
    func send(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> Bool {
        connection.send(Self.frame(type, flags: flags, stream: stream, payload))
    }

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let count = UInt32(payload.count)
        let header = [UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags]
        return header + bytes(stream) + payload
    }

    /// A header block in as many frames as it takes.
    @discardableResult
    func sendHead(_ fields: Fields, stream: UInt32, ends: Bool) -> Bool {
        var left = Self.encode(fields)[...]
        var type = FrameType.headers
        repeat {
            let part = left.prefix(16_384)
            left = left.dropFirst(part.count)
            let end: UInt8 = type == FrameType.headers && ends ? 1 : 0
            guard send(type, flags: end | (left.isEmpty ? 4 : 0), stream: stream, Array(part)) else { return false }
            type = FrameType.continuation
        } while !left.isEmpty
        return true
    }

    /// Literals without indexing (RFC 7541 § 6.2.2), whose bytes may be any.
    static func encode(_ fields: Fields) -> [UInt8] {
        fields.flatMap { [0] + string($0.0) + string($0.1) }
    }

    private static func string(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
        var length: [UInt8] = [127]
        var rest = bytes.count - 127
        while rest >= 128 {
            length.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        return length + [UInt8(rest)] + bytes
    }

    static func bytes(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(number >> (24 - 8 * $0) & 255) } }

    /// Opens a stream of the caller's.
    func begin(_ fields: Fields, ends: Bool) -> UInt32 {
        let stream = nextStream
        nextStream += 2
        sendHead(fields, stream: stream, ends: ends)
        return stream
    }

    // MARK: Receiving

    /// The next frame that says something, with SETTINGS and PING answered; `nil` at the connection's end.
    func receive() -> Frame? {
        while true {
            let header = connection.receive(count: 9)
            guard header.count == 9 else { return nil }
            let count = header[..<3].reduce(0) { $0 << 8 | Int($1) }
            let stream = header[5...].reduce(0) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
            let frame = Frame(
                type: header[3], flags: header[4], stream: stream, payload: connection.receive(count: count))
            guard frame.payload.count == count else { return nil }
            switch frame.type {
            case FrameType.settings, FrameType.ping:
                if frame.type == FrameType.settings { settingsAcknowledgements += Int(frame.flags & 1) }
                if frame.type == FrameType.ping, frame.flags & 1 == 0 { onPing() }
                if frame.type == FrameType.settings { adopt(settings: frame.payload) }
                if acknowledges, frame.flags & 1 == 0 {
                    send(frame.type, flags: 1, frame.type == FrameType.ping ? frame.payload : [])
                }
            case FrameType.data, FrameType.headers, FrameType.reset, FrameType.goAway: return frame
            case FrameType.windowUpdate: if hearsWindows { return frame }
            default: break
            }
        }
    }

    /// SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 § 6.5.2).
    private func adopt(settings payload: [UInt8]) {
        for start in stride(from: 0, to: payload.count, by: 6) where payload[start + 1] == 4 {
            firstWindow = payload[(start + 2)..<(start + 6)].reduce(0) { $0 << 8 | Int($1) }
        }
    }

    /// Fields of a HEADERS frame, which is whole.
    func fields(_ frame: Frame) -> Fields {
        ((try? decoder.decode(frame.payload)) ?? []).map { ($0.name, $0.value) }
    }

    /// Everything that comes back on a stream.
    func answer(on stream: UInt32) -> Answer { answers(on: [stream])[0] }

    /// Of several, in whatever order they come.
    func answers(on streams: [UInt32]) -> [Answer] {
        var answers = streams.map { _ in Answer() }
        var left = Set(streams)
        while !left.isEmpty, let frame = receive() {
            if frame.type == FrameType.goAway, frame.code != 0 {
                for index in answers.indices where left.contains(streams[index]) { answers[index].goAway = frame.code }
            }
            // Whosever they are: the table of the fields' compression goes on with them.
            let block = frame.type == FrameType.headers ? fields(frame) : nil
            guard left.contains(frame.stream), let index = streams.firstIndex(of: frame.stream) else { continue }
            if let block { answers[index].take(block) }
            if frame.type == FrameType.data { answers[index].body += String(decoding: frame.payload, as: UTF8.self) }
            if frame.type == FrameType.reset { answers[index].reset = frame.code }
            if frame.endsStream || frame.type == FrameType.reset { left.remove(frame.stream) }
        }
        for index in answers.indices where left.contains(streams[index]) { answers[index].isClosed = true }
        return answers
    }

    func call(_ fields: Fields) -> Answer { answer(on: begin(fields, ends: true)) }

    /// What came of a call.
    struct Answer: Sendable {
        var status = 0
        var fields: Fields = []
        var body = ""
        var trailers: Fields = []
        /// RST_STREAM's code.
        var reset: UInt32?
        /// GOAWAY's code, if it is an error's.
        var goAway: UInt32?
        /// The connection ended before the stream did.
        var isClosed = false

        mutating func take(_ block: Fields) {
            let status = block.first { $0.0 == ":status" }.flatMap { Int($0.1) }
            guard let status else {
                trailers = block
                return
            }
            self.status = status
            fields = block
        }

        var grpcStatus: Int? {
            (trailers + fields).first { $0.0 == "grpc-status" }.flatMap { Int($0.1) }
        }
    }
}
