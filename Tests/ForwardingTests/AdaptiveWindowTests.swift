import Testing
import WireProtocols

@testable import Forwarding

private let first: Int32 = 64 * 1024

private func window() -> AdaptiveWindow { AdaptiveWindow(stream: first, connection: 1024 * 1024) }

/// Sends a probe, and lets so many bytes come before its answer.
private func measure(
    _ window: inout AdaptiveWindow, bytes: Int, quarter: Int, now: UInt64
) -> (stream: Int32, connection: Int32)? {
    let isSent = window.shouldProbe(after: quarter, now: now)
    #expect(isSent)
    let isSentTwice = window.shouldProbe(after: bytes, now: now)
    #expect(!isSentTwice)
    return window.probed()
}

@Test func `a path is measured once a quarter of its window has come`() {
    var window = window()
    let early = window.shouldProbe(after: Int(first) / 4 - 1, now: 1000)
    let due = window.shouldProbe(after: 1, now: 1000)
    #expect(!early && due)
}

@Test func `a window that held the bytes back doubles, and so on at once`() {
    var window = window()
    let wider = measure(&window, bytes: Int(first) / 5 * 2, quarter: Int(first) / 4, now: 1000)
    #expect(wider?.stream == 2 * first && wider?.connection == 1024 * 1024)
    let widest = measure(&window, bytes: Int(first), quarter: Int(first) / 2, now: 1000)
    #expect(widest?.stream == 4 * first && widest?.connection == 1024 * 1024)
    // Then the connection's has to follow: room for four streams.
    let both = measure(&window, bytes: Int(first) * 4, quarter: Int(first), now: 1000)
    #expect(both?.stream == 8 * first && both?.connection == 32 * first)
}

@Test func `one that did not stays, and is measured again a while later`() {
    var window = window()
    let same = measure(&window, bytes: Int(first) / 5 * 2 - 1, quarter: Int(first) / 4, now: 1000)
    #expect(same == nil)
    let soon = window.shouldProbe(after: Int(first), now: 1249)
    let later = window.shouldProbe(after: 0, now: 1250)
    #expect(!soon && later)
}

@Test func `a window grows to its limit and is measured no more`() {
    var window = window()
    var now: UInt64 = 1000
    var last: (stream: Int32, connection: Int32)?
    while last?.stream != AdaptiveWindow.limitBytes, now < 1100 {
        let bytes = Int(last?.stream ?? first)
        last = measure(&window, bytes: bytes, quarter: bytes / 4, now: now)
        now += 1
    }
    #expect(last?.stream == 4 * 1024 * 1024 && last?.connection == 8 * 1024 * 1024)
    let again = window.shouldProbe(after: 100 * 1024 * 1024, now: 1_000_000)
    #expect(!again)
}

@Test func `an answer to no probe says nothing`() {
    var window = window()
    let answered = window.probed()
    #expect(answered == nil)
}

@Test func `windows begin as the limits say`() {
    var limits = HTTP2Limits()
    limits.streamWindow = 100_000
    var window = AdaptiveWindow(limits)
    let early = window.shouldProbe(after: 24_999, now: 0)
    let due = window.shouldProbe(after: 1, now: 0)
    #expect(!early && due)
}
