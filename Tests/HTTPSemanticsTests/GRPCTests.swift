import HTTPSemantics
import Testing

private func isGRPC(_ type: String) -> Bool { GRPCContentType.matches(Array(type.utf8).span) }
private func milliseconds(_ text: String) -> UInt64? { GRPCTimeout.milliseconds(Array(text.utf8).span) }

@Test func `a timeout is one to eight digits and a unit`() {
    #expect(milliseconds("1H") == 3_600_000 && milliseconds("2M") == 120_000 && milliseconds("3S") == 3000)
    #expect(milliseconds("4m") == 4 && milliseconds("5000u") == 5 && milliseconds("6000000n") == 6)
    #expect(milliseconds("0S") == 0 && milliseconds("99999999m") == 99_999_999)
    // What is not nothing is not made nothing.
    #expect(milliseconds("1u") == 1 && milliseconds("1n") == 1 && milliseconds("1001u") == 2)
    for text in ["", "S", "1", "1s", "1h", "-1S", "+1S", " 1S", "1 S", "1.5S", "123456789S", "1SS", "0x1S"] {
        #expect(milliseconds(text) == nil, "\(text)")
    }
}

@Test func `a timeout that is written can be read`() {
    for milliseconds in [1, 15_000, 99_999_999, 100_000_000, 123_456_789_000] as [UInt64] {
        let text = GRPCTimeout.text(milliseconds: milliseconds)
        let read = GRPCTimeout.milliseconds(text.span)
        #expect(text.count <= 9 && read != nil)
        if milliseconds <= 99_999_999 { #expect(read == milliseconds) }
    }
}

@Test func `gRPC is told by its content type`() {
    for type in [
        "application/grpc", "application/grpc+proto", "Application/GRPC+json; charset=utf-8", "application/grpc;x=y",
        "application/grpc ;x",
    ] {
        #expect(isGRPC(type), "\(type)")
    }
    for type in [
        "", "application/grp", "application/grpc-web", "application/grpc-web+proto", "application/grpcx", "text/plain",
    ] {
        #expect(!isGRPC(type), "\(type)")
    }
}
