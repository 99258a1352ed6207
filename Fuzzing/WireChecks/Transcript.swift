import HTTPSemantics
import WireProtocols

/// Everything that the bytes of one connection turn out to mean.
final class Transcript {
    /// Each message as it would be sent on, without its body.
    private var heads: [[UInt8]] = []
    private var body: [UInt8] = []
    private var failure: HTTP1Error?
    private var isOver = false

    private let answers: KnownMethod?
    private let limits = HTTP1Limits()
    private var head = MessageHead()
    private var framing = HTTP1Framing()
    private var scan = HTTP1ScanState()
    private var decoder: HTTP1BodyDecoder?
    private var trailers = MessageHead()

    /// - Parameters:
    ///   - answers: The bytes are responses to this method; `nil`: requests.
    ///   - cuts: Where the bytes are cut; what was read of one piece is kept for the next.
    init(_ bytes: [UInt8], answers: KnownMethod?, cuts: [Int]) {
        self.answers = answers
        var buffer: [UInt8] = []
        var start = 0
        for end in cuts + [bytes.count] where !isOver {
            buffer += bytes[start..<end]
            start = end
            do throws(HTTP1Error) {
                buffer.removeFirst(try read(buffer.span))
            } catch {
                failure = error
                isOver = true
            }
        }
    }

    /// In pieces a mistake may be seen later, or never if the head does not end; what is understood is the same.
    func checkSame(as split: Transcript) {
        precondition(heads == split.heads, "other messages in pieces")
        precondition(body == split.body || failure != nil, "another body in pieces")
        precondition(failure != nil || split.failure == nil, "refused only in pieces")
    }

    var feature: UInt64 {
        var hash = UInt64(heads.count) &* 31 &+ UInt64(min(body.count, 4))
        if let failure { for byte in String(describing: failure.name).utf8 { hash = hash &* 131 &+ UInt64(byte) } }
        return hash
    }

    private func read(_ bytes: Span<UInt8>) throws(HTTP1Error) -> Int {
        var used = 0
        while !isOver {
            let rest = bytes.extracting(used...)
            guard decoder == nil else {
                guard let step = try readBody(rest) else { return bytes.count }
                used += step
                continue
            }
            guard let step = try parse(rest, into: &head, &framing, &scan) else { return used }
            precondition(step > 0 && step <= rest.count)
            used += step
            scan = HTTP1ScanState()
            HeadChecks.check(head)
            checkRoundTrip()
            decoder = HTTP1BodyDecoder(framing.body)
            if framing.isUpgrade || head.knownMethod == .connect { isOver = true }
        }
        return bytes.count
    }

    /// - Returns: `nil` if all bytes are used and more must come.
    private func readBody(_ bytes: Span<UInt8>) throws(HTTP1Error) -> Int? {
        switch try decoder!.next(bytes, trailers: &trailers, limits: limits) {
        case .data(let range):
            precondition(!range.isEmpty && range.upperBound <= bytes.count)
            for index in range { body.append(bytes[index]) }
            return range.upperBound
        case .needsMore(let count):
            precondition(count == bytes.count, "bytes are left where more are wanted")
            return nil
        case .end(let count):
            HeadChecks.check(trailers)
            var written = ByteBuffer()
            HTTP1Serializer.appendLastChunk(trailers: trailers, to: &written)
            heads.append(written.array)
            decoder = nil
            return count
        }
    }

    private func parse(
        _ bytes: Span<UInt8>, into head: inout MessageHead, _ framing: inout HTTP1Framing, _ scan: inout HTTP1ScanState
    ) throws(HTTP1Error) -> Int? {
        guard let answers else {
            return try HTTP1RequestParser.parse(
                bytes, into: &head, framing: &framing, limits: limits, scan: &scan, scheme: .http)
        }
        return try HTTP1ResponseParser.parse(
            bytes, into: &head, framing: &framing, limits: limits, scan: &scan, requestMethod: answers)
    }

    /// What is written means what was read: a third party reads it the same.
    private func checkRoundTrip() {
        let first = written(head, framing)
        heads.append(first)
        var again = MessageHead()
        var framingAgain = HTTP1Framing()
        var scanAgain = HTTP1ScanState()
        do throws(HTTP1Error) {
            let used = try parse(first.span, into: &again, &framingAgain, &scanAgain)
            precondition(used == first.count, "what is written is not one head")
        } catch {
            preconditionFailure("what is written is refused: \(error)")
        }
        precondition(framing.body == framingAgain.body, "written with another framing")
        precondition(written(again, framingAgain) == first, "written differently the second time")
    }

    private func written(_ head: borrowing MessageHead, _ framing: HTTP1Framing) -> [UInt8] {
        var output = ByteBuffer()
        if let answers {
            let body = ResponseBody(BodyLength(framing.body), status: head.status, answering: answers)
            HTTP1Serializer.appendResponse(
                head, body: body, keepsAlive: true, minorVersion: framing.body == .untilClose ? 0 : 1, to: &output)
        } else {
            HTTP1Serializer.appendRequest(head, body: framing.body, to: &output)
        }
        return output.array
    }
}
