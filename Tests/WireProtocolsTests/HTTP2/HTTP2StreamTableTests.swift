import FuzzKit
import Testing

@testable import WireProtocols

/// Numbers as they are begun and ended, in every order: some streams stay for long.
@Test func `streams are found by their numbers whatever was opened and closed before`() {
    var random = SplitMix64(seed: 1)
    var table = HTTP2StreamTable()
    var open: [Int32: HTTP2Stream] = [:]
    var next: Int32 = 1
    for _ in 0..<20_000 {
        if open.count < Int.random(in: 0...40, using: &random) {
            // Numbers may be left out.
            next += 2 * Int32.random(in: 1...3, using: &random)
            let stream = HTTP2Stream()
            open[next] = stream
            table.insert(stream, next)
        } else if let id = open.keys.sorted().randomElement(using: &random) {
            table.remove(id)
            open[id] = nil
        }
        let probe = next - 2 * Int32.random(in: 0...60, using: &random)
        if probe > 0 { #expect(table[probe] === open[probe]) }
        #expect(table.count == open.count)
    }
    for (id, stream) in open { #expect(table[id] === stream) }
    #expect(table.ids(above: next / 2) == open.keys.filter { $0 > next / 2 }.sorted())
}
