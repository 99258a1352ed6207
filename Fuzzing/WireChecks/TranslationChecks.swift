import HTTPSemantics
import WireProtocols

/// What must hold of a message that goes from one version of HTTP to the other and back: it means the same, and nothing of
/// it becomes a line of its own. Traps where it does not.
package enum TranslationChecks {
    /// - Parameter bytes: A head of HTTP/1.1, a request's or a response's; and field lines, ended by LF each, of which the
    ///   bytes up to the first `: ` are the name.
    /// - Returns: A number for how they were treated.
    package static func check(_ bytes: [UInt8]) -> UInt64 {
        var feature = checkRequest(bytes)
        feature = feature &* 1_000_003 &+ checkResponse(bytes)
        feature = feature &* 1_000_003 &+ checkFields(bytes)
        return feature
    }

    private static var limits: HTTP1Limits {
        var limits = HTTP1Limits()
        limits.headByteCount = 1 << 20
        limits.targetByteCount = 1 << 19
        limits.fieldCount = 10_000
        return limits
    }

    private static var limits2: HTTP2Limits {
        var limits = HTTP2Limits()
        limits.headerListByteCount = 1 << 22
        limits.fieldCount = 10_001
        limits.continuations = 1000
        return limits
    }

    // MARK: Requests that come in over HTTP/1.1

    private static func checkRequest(_ bytes: [UInt8]) -> UInt64 {
        var head = MessageHead()
        var framing = HTTP1Framing()
        guard let length = parseRequest(bytes, &head, &framing) else { return 1 }
        HeadChecks.check(head)
        head.removeHopByHopFields()
        let hasBody = framing.body != .none
        // A length without a body to go with it is the zero of an empty one.
        let meaning = HeadMeaning(head)
        guard let carried = carry(head, endsStream: !hasBody && head.upgrade == .none && head.knownMethod != .connect)
        else {
            preconditionFailure("a request of HTTP/1.1 is refused over HTTP/2")
        }
        precondition(carried.meaning == meaning, "HTTP/2 changed \(meaning) to \(carried.meaning)")
        checkWritten(carried.stream.head, meaning, framing.body)
        return 2 + UInt64(head.fieldCount) + (hasBody ? 64 : 0) + (length == bytes.count ? 128 : 0)
    }

    private static func parseRequest(
        _ bytes: [UInt8], _ head: inout MessageHead, _ framing: inout HTTP1Framing
    ) -> Int? {
        var scan = HTTP1ScanState()
        return
            (try? HTTP1RequestParser.parse(
                bytes.span, into: &head, framing: &framing, limits: limits, scan: &scan, scheme: .https)) ?? nil
    }

    private static func carry(
        _ head: borrowing MessageHead, endsStream: Bool
    ) -> (meaning: HeadMeaning, stream: HTTP2PeerStream, server: HTTP2Peer)? {
        let client = HTTP2Peer(.client, limits: limits2)
        let server = HTTP2Peer(.server, limits: limits2)
        client.talk(to: server)
        let stream = HTTP2PeerStream(client)
        guard client.session.submitRequest(head, on: stream, endsStream: endsStream) else { return nil }
        client.talk(to: server)
        guard let served = server.streams.first else { return nil }
        precondition(server.streams.count == 1)
        HeadChecks.check(served.head)
        return (HeadMeaning(served.head), served, server)
    }

    /// Written as HTTP/1.1 it is one head of the same meaning.
    private static func checkWritten(_ head: borrowing MessageHead, _ meaning: HeadMeaning, _ body: HTTP1Framing.Body) {
        var output = ByteBuffer()
        HTTP1Serializer.appendRequest(head, body: body, to: &output)
        var again = MessageHead()
        var framing = HTTP1Framing()
        let length = parseRequest(output.array, &again, &framing)
        // The authority-form has a port, or is none.
        if meaning.method == "CONNECT", meaning.port == 0 { return }
        precondition(
            length == output.count, "what is written is not one head: \(String(decoding: output.array, as: UTF8.self))")
        precondition(framing.body == body, "another body")
        again.removeHopByHopFields()
        var expected = meaning
        let found = HeadMeaning(again)
        // An empty body may be said of a method that has one as a rule, a chunked one tells no length.
        expected.contentLength = found.contentLength
        precondition(found == expected, "HTTP/1.1 changed \(expected) to \(found)")
    }

    // MARK: Responses that come in over HTTP/1.1

    private static func checkResponse(_ bytes: [UInt8]) -> UInt64 {
        var head = MessageHead()
        var framing = HTTP1Framing()
        var scan = HTTP1ScanState()
        let length =
            (try? HTTP1ResponseParser.parse(
                bytes.span, into: &head, framing: &framing, limits: limits, scan: &scan, requestMethod: .get)) ?? nil
        guard length != nil, head.status != 101 else { return 1 }
        HeadChecks.check(head)
        head.removeHopByHopFields()
        let meaning = HeadMeaning(head)
        let client = HTTP2Peer(.client, limits: limits2)
        let server = HTTP2Peer(.server, limits: limits2)
        client.talk(to: server)
        guard let call = client.request(plain) else { preconditionFailure("no stream") }
        client.talk(to: server)
        let isInterim = head.status < 200
        if isInterim {
            server.session.submitInterim(head, on: server.streams[0])
            client.talk(to: server)
            precondition(call.interimStatuses == [head.status], "an interim response is refused over HTTP/2")
        } else {
            server.session.submitResponse(head, on: server.streams[0], endsStream: false)
            client.talk(to: server)
            precondition(call.hasReceivedHead, "a response of HTTP/1.1 is refused over HTTP/2")
            HeadChecks.check(call.head)
            let carried = HeadMeaning(call.head)
            precondition(carried == meaning, "HTTP/2 changed \(meaning) to \(carried)")
        }
        return 2 + UInt64(head.status) + UInt64(head.fieldCount) * 1024
    }

    private static var plain: MessageHead {
        var head = MessageHead()
        head.setMethod(KnownMethod.get.name.bytes)
        do {
            try head.setHost(canonicalizing: Array("a".utf8).span)
            try head.setPath(canonicalizing: Array("/".utf8).span)
        } catch {
            preconditionFailure("\(error)")
        }
        return head
    }

    // MARK: Requests that come in over HTTP/2

    private static func checkFields(_ bytes: [UInt8]) -> UInt64 {
        var block: [UInt8] = []
        for line in bytes.split(separator: 10).prefix(200) {
            let cut = line.indices.first {
                $0 > line.startIndex && line[$0] == 58 && line.index(after: $0) < line.endIndex && line[$0 + 1] == 32
            }
            guard let cut else { continue }
            block += HPACK.literal(Array(line[..<cut]), Array(line[(cut + 2)...]))
        }
        guard block.count < 16_384 else { return 0 }
        let server = HTTP2Peer(.server, limits: limits2)
        server.receive(
            HTTP2Frame.preface + HTTP2Frame.settings().bytes + HTTP2Frame(.headers, flags: 4, id: 1, block).bytes)
        guard let stream = server.streams.first else {
            return server.refused.first.map { refusal in
                "\(refusal.error.name)".utf8.reduce(7) { $0 &* 131 &+ UInt64($1) }
            } ?? 3
        }
        HeadChecks.check(stream.head)
        precondition(stream.head.scheme == .https && !stream.head.host.isEmpty)
        // What Heddle does with every request: then it can go on over either version.
        stream.head.removeHopByHopFields()
        let meaning = HeadMeaning(stream.head)
        guard let carried = carry(stream.head, endsStream: false) else {
            preconditionFailure("what came over HTTP/2 cannot go on over it")
        }
        precondition(carried.meaning == meaning, "HTTP/2 changed \(meaning) to \(carried.meaning)")
        let body: HTTP1Framing.Body
        switch (stream.framing.tunnel, stream.head.contentLength) {
        case (.none, let length?): body = length > 0 ? .length(length) : .none
        case (.none, nil): body = .chunked
        default: body = .none
        }
        checkWritten(stream.head, meaning, body)
        return 5 + UInt64(stream.head.fieldCount) * 16 + (stream.framing.tunnel == .none ? 0 : 8)
    }
}
