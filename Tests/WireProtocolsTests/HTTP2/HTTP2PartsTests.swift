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
    if case .closed(.ended) = streams.memory(of: 9) {} else { Issue.record("9") }
    if case .closed(.resetHere) = streams.memory(of: 11) {} else { Issue.record("11") }
    if case .skipped = streams.memory(of: 7) {} else { Issue.record("7") }
    streams.add(257, .resetByPeer)
    streams.add(259, .ended)
    streams.add(261, .ended)
    if case .forgotten = streams.memory(of: 1) {} else { Issue.record("1") }
    if case .closed(.resetByPeer) = streams.memory(of: 257) {} else { Issue.record("257") }
}

@Test func `headers are found in pieces of any size`() {
    let bytes: [UInt8] = [0, 0, 2, 6, 1, 0, 0, 0, 0, 9, 9, 0, 0, 0, 4, 0, 0x80, 0, 1, 5]
    for size in 1...bytes.count {
        var scanner = HTTP2FrameScanner(isServer: false)
        var found: [String] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            var offset = 0
            while let header = scanner.next(piece.span, &offset) {
                found.append(
                    "\(header.payloadByteCount) \(header.type) \(header.flags) \(header.streamID) \(start + offset)")
            }
            #expect(offset == piece.count)
        }
        // The highest bit of a stream's number means nothing.
        #expect(found == ["2 6 1 0 9", "0 4 0 261 20"])
    }
}

@Test func `every limit and every error has a name of its own`() {
    #expect(Set(HTTP2Limit.allCases.map(\.name)).count == HTTP2Limit.allCases.count)
    #expect(HTTP2Limit.allCases.allSatisfy { limit in limit.name.allSatisfy { $0.isLowercase || $0 == "-" } })
}
