/// The content types of gRPC: `application/grpc`, alone, with `+` and a message format, or with parameters.
package enum GRPCContentType {
    package static func matches(_ value: Span<UInt8>) -> Bool {
        let prefix = ("application/grpc" as StaticString).bytes
        guard value.count >= prefix.count,
            ASCII.equal(value.extracting(0..<prefix.count), ignoringCaseOf: prefix)
        else { return false }
        guard value.count > prefix.count else { return true }
        switch value[prefix.count] {
        case UInt8(ascii: "+"), UInt8(ascii: ";"), UInt8(ascii: " "): return true
        default: return false
        }
    }
}

extension MessageHead {
    /// Of a request: its caller understands gRPC's statuses, and nothing else (gRPC over HTTP/2, "Requests").
    package var isGRPC: Bool {
        guard let type = value(of: .contentType) else { return false }
        return withBytes(type) { GRPCContentType.matches($0) }
    }
}
