import HTTPSemantics
import WireProtocols

extension StreamConnection {
    /// Body bytes in the framing that the head announced.
    final func writeBody(_ bytes: Span<UInt8>, chunked: Bool) {
        guard chunked else { return write(bytes) }
        bench.output.removeAll()
        HTTP1Serializer.appendChunkHead(byteCount: bytes.count, to: &bench.output)
        write(bench.output)
        write(bytes)
        write(chunkEnd)
    }

}

/// CRLF after a chunk's data (RFC 9112 § 7.1).
private let chunkEnd: [UInt8] = [13, 10]
