import Testing

@testable import WireProtocols

@Test func `a budget is spent within 30 s, counted from the first time`() {
    var budget = HTTP2Budget()
    for _ in 0..<3 {
        let isLeft = budget.spend(limit: 3, now: 1000)
        #expect(isLeft)
    }
    let late = budget.spend(limit: 3, now: 30_999)
    let again = budget.spend(limit: 3, now: 31_000)
    #expect(!late && again)
}

@Test func `closed streams are known for a while`() {
    var streams = HTTP2ClosedStreams()
    for id in stride(from: 1, through: 255, by: 2) as StrideThrough<Int32> where id != 7 {
        streams.add(id, id % 4 == 1 ? .ended : .resetHere)
    }
    #expect(streams.cause(of: 9) == .ended)
    #expect(streams.cause(of: 11) == .resetHere)
    #expect(streams.cause(of: 7) == .skipped)
    streams.add(257, .resetByPeer)
    streams.add(259, .ended)
    streams.add(261, .ended)
    #expect(streams.cause(of: 1) == .forgotten)
    #expect(streams.cause(of: 257) == .resetByPeer)
}

@Test func `frames are found in pieces of any size`() {
    let bytes: [UInt8] = [0, 0, 2, 6, 1, 0, 0, 0, 0, 9, 8, 0, 0, 0, 4, 0, 0x80, 0, 1, 5]
    for size in 1...bytes.count {
        var reader = HTTP2FrameReader(isServer: false)
        var found: [String] = []
        var payload: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            var offset = 0
            while let part = reader.next(piece.span, &offset) {
                switch part {
                case .badPreface: Issue.record("a client has no preface to look for")
                case .header:
                    let header = reader.header
                    found.append("\(header.payloadByteCount) \(header.type) \(header.flags) \(header.streamID)")
                case .payload(let range, let isLast):
                    payload += piece[range]
                    if isLast {
                        found.append("\(payload)")
                        payload = []
                    }
                }
            }
            #expect(offset == piece.count)
        }
        // The highest bit of a stream's number means nothing.
        #expect(found == ["2 6 1 0", "[9, 8]", "0 4 0 261", "[]"])
    }
}

@Test func `what is begun and not whole is known, whatever its pieces, and a body is not`() {
    let block: [UInt8] = [0, 0, 2, 1, 1, 0, 0, 0, 1, 9, 9]
    let rest: [UInt8] = [0, 0, 1, 9, 4, 0, 0, 0, 1, 9]
    let body: [UInt8] = [0, 0, 2, 0, 0, 0, 0, 0, 1, 5, 5]
    var reader = HTTP2FrameReader(isServer: true)
    var unfinished: [Bool] = []
    var counts: [Int] = []
    for byte in Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + block + rest + body + block {
        var offset = 0
        while reader.next([byte].span, &offset) != nil {}
        unfinished.append(reader.isUnfinished)
        counts.append(reader.begunCount)
    }
    // How many bytes in a row: of a body's frame only the header has to come soon.
    let runs: [(isUnfinished: Bool, count: Int)] = [
        (true, 23), (false, 1), (true, 20), (false, 1), (true, 8), (false, 3), (true, 11),
    ]
    let expected = runs.flatMap { [Bool](repeating: $0.isUnfinished, count: $0.count) }
    #expect(unfinished == expected)
    #expect(counts.last == 4)
}

@Test func `what is not the preface is known from its first byte on`() {
    let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    for wrong in preface.indices {
        var bytes = preface
        bytes[wrong] ^= 0x20
        var reader = HTTP2FrameReader(isServer: true)
        var offset = 0
        guard case .badPreface = reader.next(bytes.span, &offset) else {
            Issue.record("byte \(wrong)")
            continue
        }
        #expect(offset == wrong)
    }
}

@Test func `every limit and every error has a name of its own`() {
    #expect(Set(HTTP2Limit.allCases.map(\.name)).count == HTTP2Limit.allCases.count)
    #expect(HTTP2Limit.allCases.allSatisfy { limit in limit.name.allSatisfy { $0.isLowercase || $0 == "-" } })
}
