import Testing

@testable import HTTPSemantics

@Test(arguments: [
    (KnownMethod.get, UInt16(204)), (.get, 304), (.post, 204), (.get, 100), (.get, 103), (.get, 101), (.head, 200),
    (.head, 404),
])
func `a response that never has a body has none, whatever its sender says`(method: KnownMethod, status: UInt16) {
    for length in [BodyLength.none, .bytes(5), .unknown] {
        let body = ResponseBody(length, status: status, answering: method)
        #expect(body.isImpossible && body.length == .none)
    }
}

@Test(arguments: [UInt16(200), 205, 206, 301, 404, 500, 999])
func `any other has what its sender says`(status: UInt16) {
    for length in [BodyLength.none, .bytes(5), .unknown] {
        let body = ResponseBody(length, status: status, answering: .get)
        #expect(!body.isImpossible && body.length == length && body.mayTellLength)
    }
}

@Test func `only 1xx and 204 may not tell a length`() {
    #expect(!ResponseBody(.bytes(0), status: 204, answering: .get).mayTellLength)
    #expect(!ResponseBody(.none, status: 101, answering: .get).mayTellLength)
    #expect(ResponseBody(.none, status: 304, answering: .get).mayTellLength)
    #expect(ResponseBody(.none, status: 200, answering: .head).mayTellLength)
}
