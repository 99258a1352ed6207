import CallOutcomes
import Testing

private func status(_ text: String) -> GRPCStatus? { GRPCStatus(Array(text.utf8).span) }

@Test func `a status is a number, and one that nobody knows is UNKNOWN`() {
    for code in GRPCStatus.allCases { #expect(status("\(code.rawValue)") == code) }
    #expect(GRPCStatus.allCases.count == 17 && status("16")?.name == "UNAUTHENTICATED")
    #expect(status("17") == .unknown && status("999") == .unknown)
    for text in ["", "-1", "+1", " 1", "0x1", "1000", "a"] { #expect(status(text) == nil, "\(text)") }
}

@Test func `an answer that is not gRPC's has the status that clients take it for`() {
    let table: [(UInt16, GRPCStatus)] = [
        (400, .internal), (401, .unauthenticated), (403, .permissionDenied), (404, .unimplemented), (429, .unavailable),
        (502, .unavailable), (503, .unavailable), (504, .unavailable), (200, .unknown), (302, .unknown),
        (500, .unknown),
    ]
    for (http, expected) in table { #expect(GRPCStatus(httpStatus: http) == expected, "\(http)") }
}
