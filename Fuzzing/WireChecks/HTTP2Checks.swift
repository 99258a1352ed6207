import HTTPSemantics
import WireProtocols

/// What must hold of HTTP/2 sessions, whatever came in. Traps where it does not.
package enum HTTP2Checks {
    /// - Parameter bytes: The first one says what the others are: a server's whole input, frames after a client's preface,
    ///   header blocks of requests, or a server's frames to a client with three requests under way.
    /// - Returns: A number for how they were treated.
    package static func check(_ bytes: [UInt8]) -> UInt64 {
        guard let mode = bytes.first else { return 0 }
        let rest = Array(bytes.dropFirst())
        let input: [UInt8]
        switch mode % 4 {
        case 0: input = rest
        case 1, 3: input = rest
        default: input = frames(ofBlocks: rest)
        }
        let whole = SessionTranscript(input, mode: mode % 4, pieces: [], flushes: false)
        let pieces = scattered(bytes, input.count)
        whole.checkSame(as: SessionTranscript(input, mode: mode % 4, pieces: pieces, flushes: false))
        if input.count < 512 {
            whole.checkSame(
                as: SessionTranscript(input, mode: mode % 4, pieces: Array(0..<input.count), flushes: false))
        }
        // With answers written in between other things happen, and hold likewise.
        let answered = SessionTranscript(input, mode: mode % 4, pieces: pieces, flushes: true)
        return (whole.feature &* 1_000_003 &+ answered.feature) &* 4 &+ UInt64(mode % 4)
    }

    /// Header blocks, each after its length in two bytes, as HEADERS and CONTINUATION of streams that follow each other.
    private static func frames(ofBlocks bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var rest = bytes[...]
        var id: UInt32 = 1
        while rest.count > 2 {
            let count = Int(rest[rest.startIndex]) << 8 & 0x3F00 | Int(rest[rest.startIndex + 1])
            let isSplit = rest[rest.startIndex] & 0x80 != 0
            let block = Array(rest.dropFirst(2).prefix(count))
            rest = rest.dropFirst(2 + block.count)
            let half = isSplit ? block.count / 2 : block.count
            output += HTTP2Frame(.headers, flags: isSplit ? 1 : 5, id: id, Array(block[..<half])).bytes
            if isSplit { output += HTTP2Frame(.continuation, flags: 4, id: id, Array(block[half...])).bytes }
            id += 2
        }
        return output
    }

    /// Six places, the same ones for the same bytes.
    private static func scattered(_ bytes: [UInt8], _ count: Int) -> [Int] {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return (0..<6).map { _ in
            hash = hash &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(hash >> 33) % (count + 1)
        }.sorted()
    }
}

/// Everything that a session made of some bytes.
final class SessionTranscript {
    private let peer: HTTP2Peer
    private var output: [UInt8] = []

    init(_ bytes: [UInt8], mode: UInt8, pieces: [Int], flushes: Bool) {
        var limits = HTTP2Limits()
        limits.concurrentStreams = 5
        limits.headerListByteCount = 8192
        limits.fieldCount = 30
        limits.resets = 20
        limits.settings = 20
        limits.pings = 20
        limits.emptyData = 20
        limits.queuedFrames = 60
        limits.queuedAcknowledgements = 30
        peer = HTTP2Peer(mode == 3 ? .client : .server, limits: limits)
        peer.onRequest = { stream in HeadChecks.check(stream.head) }
        peer.onEnd = { [unowned peer] stream in
            guard mode != 3 else { return }
            var head = MessageHead()
            head.status = 200
            var trailers = MessageHead()
            trailers.addField(.grpcStatus, value: Array("0".utf8).span)
            if stream.head.fieldCount & 1 == 0 {
                stream.respond(head, body: [UInt8](repeating: 1, count: 20_000), trailers: trailers)
            } else {
                peer.session.submitResponse(head, on: stream, endsStream: true)
            }
        }
        if mode == 3 {
            var head = MessageHead()
            for method in [KnownMethod.get, .head, .post] {
                head.removeAll()
                head.setMethod(method.name.bytes)
                do {
                    try head.setHost(canonicalizing: Array("a".utf8).span)
                    try head.setPath(canonicalizing: Array("/".utf8).span)
                } catch {
                    preconditionFailure("\(error)")
                }
                _ = peer.request(head, body: method == .post ? [UInt8](repeating: 2, count: 100_000) : nil)
            }
            flush()
        } else if mode != 0 {
            peer.receive(HTTP2Frame.preface + HTTP2Frame.settings().bytes)
        }
        var start = 0
        for end in pieces + [bytes.count] {
            if start < end { peer.receive(Array(bytes[start..<end])) }
            start = end
            if flushes { flush() }
        }
        flush()
        finish()
    }

    private func flush() { output += peer.takeOutput() }

    private func finish() {
        var rest = output.count - (output.starts(with: HTTP2Frame.preface) ? HTTP2Frame.preface.count : 0)
        for frame in HTTP2Frame.parse(output) { rest -= 9 + frame.payload.count }
        precondition(rest == 0, "what is written is not whole frames")
        precondition(!peer.session.wantsWrite || !peer.isAlive || peer.session.openStreamCount > 0)
        precondition(peer.session.openStreamCount >= 0)
        precondition(peer.exceededLimits.count <= 1)
        for stream in peer.streams {
            if stream.isEnded, let length = stream.framing.contentLength {
                precondition(UInt64(stream.body.count) == length, "a body that is not what was announced")
            }
        }
        for frame in HTTP2Frame.parse(output) where frame.kind == .goAway {
            precondition(frame.code != HTTP2ErrorCode.internalError.rawValue, "a mistake of ours")
        }
        if !peer.exceededLimits.isEmpty { precondition(peer.session.isOver) }
        peer.session.abandon()
    }

    /// In pieces the same is understood, and the same is answered. Who has said goodbye and has no stream is not listened to
    /// any more; what came along with that still is.
    func checkSame(as split: SessionTranscript) {
        guard peer.goAways.isEmpty else { return }
        precondition(summary == split.summary, "other streams in pieces: \(summary) and \(split.summary)")
        if peer.isAlive, split.peer.isAlive {
            let isUnfinished = peer.session.unfinishedSince != nil
            precondition(isUnfinished == (split.peer.session.unfinishedSince != nil), "whole only in pieces")
        }
        precondition(codes == split.codes, "other errors in pieces: \(codes) and \(split.codes)")
    }

    private var summary: [String] {
        peer.streams.map { stream in
            let fields = stream.head.fields.map { stream.head.text($0.name) + "=" + stream.head.text($0.value) }
            // Of a body that is too long, what comes before its end depends on the pieces; then it is reset.
            let isRefused = stream.code == .protocolError || peer.refused.contains { $0.id == stream.id }
            let bodyCount = isRefused ? 0 : stream.body.count
            return "\(stream.head.text(stream.head.path)) \(stream.head.status) \(fields) \(bodyCount) "
                + "\(stream.trailers) \(stream.isEnded) \(String(describing: stream.code?.rawValue))"
        } + peer.refused.map { "\($0.id) \($0.error.name)" } + peer.exceededLimits.map(\.name)
    }

    private var codes: [String] {
        HTTP2Frame.parse(output).filter { $0.kind == .goAway || $0.kind == .resetStream }
            .map { "\($0.type) \($0.id) \($0.code ?? 0)" }
    }

    var feature: UInt64 {
        var hash = UInt64(peer.streams.count)
        for code in codes.prefix(3) { for byte in code.utf8 { hash = hash &* 131 &+ UInt64(byte) } }
        for refused in peer.refused.prefix(3) {
            for byte in "\(refused.error.name)".utf8 { hash = hash &* 131 &+ UInt64(byte) }
        }
        for limit in peer.exceededLimits { hash = hash &* 131 &+ UInt64(limit.rawValue) }
        for stream in peer.streams.prefix(3) {
            hash =
                hash &* 31 &+ (stream.isEnded ? 1 : 0) + (stream.trailers.isEmpty ? 0 : 2)
                + (stream.body.isEmpty ? 0 : 4)
        }
        return hash
    }
}
