import Glibc
import HPACKCoding

/// HTTP/2 (RFC 9113) with the windows that it begins with: nothing is given back before a message is whole.
final class HTTP2Wire: Wire {
    private typealias FrameType = HTTP2Peer.FrameType

    private enum ErrorCode {
        static let noError: UInt32 = 0
        static let internalError: UInt32 = 2
        static let refusedStream: UInt32 = 7
        static let cancel: UInt32 = 8
    }

    private static let windowUpdate: UInt8 = 8
    private static let firstWindow = 65_535

    private var decoder = HPACKDecoder()
    private var pending: [UInt8] = []
    private var awaitsPreface: Bool
    private var stream: UInt32 = 0
    private var block: [UInt8] = []
    /// Bytes of DATA since the connection's window was given back.
    private var taken = 0
    private var streamWindow = firstWindow
    private var connectionWindow = firstWindow
    private var peersFirstWindow = firstWindow
    private var isTunnel = false
    private var hasSettings = false
    /// The workload has said that it takes the WebSocket.
    private var hasAgreed = false

    override init(_ link: Link, _ side: Side) {
        awaitsPreface = side == .workload
        super.init(link, side)
        if side == .caller {
            link.send(HTTP2Peer.preface)
            send(FrameType.settings, stream: 0, [])
            // They are acknowledged in time, however long the call takes to get where something befalls it.
            while !hasSettings, seen.fate == .none, hearOnce() {}
        }
    }

    // MARK: Saying

    private func send(_ type: UInt8, flags: UInt8 = 0, stream: UInt32, _ payload: [UInt8]) {
        var frame = Array(HTTP2Peer.bytes(UInt32(payload.count))[1...])
        frame += [type, flags]
        frame += HTTP2Peer.bytes(stream)
        link.send(frame + payload)
    }

    override func send(_ head: Head) {
        var fields: HTTP2Peer.Fields
        if side == .caller {
            stream = stream == 0 ? 1 : stream + 2
            streamWindow = peersFirstWindow
            fields = [
                (":method", head.isWebSocket ? "CONNECT" : head.start), (":scheme", "http"),
                (":authority", head.host), (":path", head.path),
            ]
            if head.isWebSocket { fields += [(":protocol", "websocket"), ("sec-websocket-version", "13")] }
            isTunnel = head.isWebSocket
        } else {
            hasAgreed = head.isWebSocket
            fields = [(":status", hasAgreed ? "200" : head.start)]
        }
        if let length = head.length { fields.append(("content-length", "\(length)")) }
        fields += head.fields.map { ($0.name, $0.value) }
        let isLast = !head.hasBody && !head.isWebSocket
        send(FrameType.headers, flags: isLast ? 5 : 4, stream: stream, HTTP2Peer.encode(fields))
    }

    override func say(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(16_384))
            send(FrameType.data, stream: stream, part)
            rest = rest.dropFirst(part.count)
        }
        streamWindow -= bytes.count
        connectionWindow -= bytes.count
    }

    override func finish(trailers: [String: String]) {
        if trailers.isEmpty {
            send(FrameType.data, flags: 1, stream: stream, [])
        } else {
            send(FrameType.headers, flags: 5, stream: stream, HTTP2Peer.encode(trailers.map { ($0.key, $0.value) }))
        }
    }

    override func endHalf() {
        if isTunnel, side == .caller || hasAgreed { finish(trailers: [:]) } else { super.endHalf() }
    }

    override func reset() { reset(side == .caller ? ErrorCode.cancel : ErrorCode.internalError) }
    override func refuse() { reset(ErrorCode.refusedStream) }

    private func reset(_ code: UInt32) { send(FrameType.reset, stream: stream, HTTP2Peer.bytes(code)) }

    override func flood(until isEnough: (Sighting) -> Bool) {
        while !isEnough(seen), seen.fate == .none {
            let count = min(streamWindow, connectionWindow, 16_384)
            if count <= 0 || link.hasInput {
                guard hearOnce() else { return }
            } else {
                say([UInt8](repeating: 9, count: count))
            }
        }
    }

    // MARK: Hearing

    override func receive(_ bytes: [UInt8]) {
        pending += bytes
        if awaitsPreface {
            guard pending.count >= HTTP2Peer.preface.count else { return }
            if !pending.starts(with: HTTP2Peer.preface) { seen.excess += pending.count }
            pending.removeFirst(HTTP2Peer.preface.count)
            awaitsPreface = false
            // SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441 § 3).
            send(FrameType.settings, stream: 0, [0, 8, 0, 0, 0, 1])
        }
        while pending.count >= 9 {
            let count = pending[..<3].reduce(0) { $0 << 8 | Int($1) }
            guard pending.count >= 9 + count else { return }
            let stream = Self.number(pending[5..<9]) & 0x7FFF_FFFF
            let (type, flags, payload) = (pending[3], pending[4], Array(pending[9..<(9 + count)]))
            pending.removeFirst(9 + count)
            take(type, flags, stream, payload)
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }

    private func take(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) {
        switch type {
        case FrameType.settings:
            guard flags & 1 == 0 else { return }
            hasSettings = true
            adopt(settings: payload)
            send(FrameType.settings, flags: 1, stream: 0, [])
        case FrameType.ping: if flags & 1 == 0 { send(FrameType.ping, flags: 1, stream: 0, payload) }
        case Self.windowUpdate:
            let count = Int(Self.number(payload[...]) & 0x7FFF_FFFF)
            if stream == 0 { connectionWindow += count } else if stream == self.stream { streamWindow += count }
        case FrameType.headers, FrameType.continuation:
            if side == .workload, stream > self.stream { begin(stream) }
            block += payload
            guard flags & 4 != 0 else { return }
            let fields = ((try? decoder.decode(block)) ?? []).map { (name: $0.name, value: $0.value) }
            block = []
            if stream == self.stream { take(fields) }
            if type == FrameType.headers, flags & 1 == 1 { messageEnded(stream) }
        case FrameType.data:
            taken += payload.count
            guard stream == self.stream else { return }
            if seen.isWhole { seen.excess += payload.count } else { seen.body += payload }
            if flags & 1 == 1 { messageEnded(stream) }
        case FrameType.reset:
            guard stream == self.stream, !(seen.isWhole && Self.number(payload[...]) == ErrorCode.noError) else {
                return
            }
            seen.fate = .reset
        default: break
        }
    }

    private func begin(_ stream: UInt32) {
        self.stream = stream
        streamWindow = peersFirstWindow
    }

    /// SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 § 6.9.2).
    private func adopt(settings payload: [UInt8]) {
        for start in stride(from: 0, to: payload.count, by: 6) where payload[start + 1] == 4 {
            let window = Int(Self.number(payload[(start + 2)..<(start + 6)]))
            streamWindow += window - peersFirstWindow
            peersFirstWindow = window
        }
    }

    private func take(_ fields: [(name: String, value: String)]) {
        func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
        note(trailers: fields)
        if let method = value(":method") {
            isTunnel = value(":protocol") == "websocket"
            seen.start = isTunnel ? "WebSocket" : method
        } else if let status = value(":status") {
            if status.hasPrefix("1") {
                seen.interim.append(Int(status) ?? 0)
            } else {
                seen.start = status
            }
        } else if seen.isWhole {
            seen.excess += 1
        }
    }

    private func messageEnded(_ stream: UInt32) {
        guard stream == self.stream else { return }
        if seen.isWhole { seen.excess += 1 }
        seen.isWhole = true
        if taken > 0 { send(Self.windowUpdate, stream: 0, HTTP2Peer.bytes(UInt32(taken))) }
        taken = 0
    }
}
