import HTTPSemantics

package enum HTTP1RequestParser {
    package static func parse(
        _ bytes: Span<UInt8>, into head: inout MessageHead, framing: inout HTTP1Framing, limits: HTTP1Limits,
        scan: inout HTTP1ScanState, scheme: Scheme
    ) throws(HTTP1Error) -> Int? { fatalError() }
}
package enum HTTP1ResponseParser {
    package static func parse(
        _ bytes: Span<UInt8>, into head: inout MessageHead, framing: inout HTTP1Framing, limits: HTTP1Limits,
        scan: inout HTTP1ScanState, requestMethod: KnownMethod
    ) throws(HTTP1Error) -> Int? { fatalError() }
}
/// Takes a body's bytes and says what they are (RFC 9112 § 6, § 7).
package struct HTTP1BodyDecoder {
    package enum Event: Equatable, Sendable {
        /// Body bytes: this range of the input; everything up to its upper bound is used.
        case data(Range<Int>)
        /// All bytes are used and more must come.
        case needsMore(Int)
        /// The body is over after so many bytes; the trailers are filled in.
        case end(Int)
    }
    package init() {}
    package init(_ body: HTTP1Framing.Body) {}
    /// The body's last byte was handed out: `next` will answer `.end(0)`, even for no bytes. Ask it after every `.data`.
    package var isComplete: Bool { fatalError() }
    /// The body ends with its connection: there is nothing to tell a whole one from a cut one.
    package var endsWithConnection: Bool { fatalError() }
    package mutating func next(
        _ bytes: Span<UInt8>, trailers: inout MessageHead, limits: HTTP1Limits
    ) throws(HTTP1Error) -> Event { fatalError() }
}
package enum HTTP1Serializer {
    package static func appendRequest(_ head: borrowing MessageHead, body: HTTP1Framing.Body, to output: inout [UInt8]) {}
    package static func appendResponse(
        _ head: borrowing MessageHead, body: HTTP1Framing.Body, keepsAlive: Bool, minorVersion: UInt8, to output: inout [UInt8]
    ) {}
    package static func appendInterimResponse(_ head: borrowing MessageHead, to output: inout [UInt8]) {}
    package static func appendChunkHead(byteCount: Int, to output: inout [UInt8]) {}
    package static func appendLastChunk(trailers: borrowing MessageHead, to output: inout [UInt8]) {}
    package static let chunkEnd: [UInt8] = [13, 10]
}
