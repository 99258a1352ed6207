import Testing
import WireProtocols

@testable import Forwarding

@Test func `a node may reset a hundred times as many streams as a caller, and its heads have room for what is added`() {
    var limits = HTTP2Limits()
    limits.resets = 250
    limits.fieldCount = 50
    limits.headerListByteCount = 10_000
    var expected = limits
    expected.resets = 25_000
    expected.fieldCount = 306
    expected.headerListByteCount = 10_000 + 306 * 32 + 64 * 1024
    expected.targetByteCount = expected.headerListByteCount
    #expect(limits.betweenNodes == expected)
}
