import CallOutcomes
import HTTPSemantics
import Testing

private func told(_ name: String) -> FailureReason? { FailureReason(told: Array(name.utf8).span) }

@Test func `a reason is read as it is told, and no other word is one`() {
    for reason in FailureReason.allCases where reason != .none && reason != .callerGone {
        #expect(told("\(reason.name)") == reason)
    }
    for word in ["", "caller-gone", "Denied", "denied ", "denie", "none"] { #expect(told(word) == nil, "\(word)") }
}

@Test func `every reason but none is a failure to callers of HTTP and of gRPC`() {
    for reason in FailureReason.allCases where !reason.isNone {
        #expect((400..<600).contains(reason.status), "\(reason)")
        for hasCaller in [false, true] {
            #expect(reason.grpcStatus(status: reason.status, hasCaller: hasCaller) != .ok, "\(reason)")
        }
        // As grpc-message wants it.
        let explanation = reason.explanation
        #expect(
            !explanation.isEmpty && explanation.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "%") })
    }
}

@Test func `the numbers that nodes of two versions tell each other stay`() {
    let numbers = FailureReason.allCases.map(\.rawValue)
    #expect(numbers == Array(0...11))
    #expect(FailureReason.denied.rawValue == 1 && FailureReason.loopDetected.rawValue == 10)
}
