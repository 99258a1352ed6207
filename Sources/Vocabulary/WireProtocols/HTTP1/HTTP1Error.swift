package import HTTPSemantics

/// Why a message was refused. After any of these nobody knows where the next message begins: the connection is closed.
package enum HTTP1Error: Error, Hashable, Sendable {
    // The first line.
    case malformedRequest(MalformedRequest)
    /// Not `METHOD SP target SP HTTP/1.x`, or an empty line too many before it.
    case invalidRequestLine
    /// Not `HTTP/1.x SP 3DIGIT SP [reason]`.
    case invalidStatusLine
    /// `HTTP/` and two digits, but neither 1.0 nor 1.1.
    case unsupportedVersion
    case targetTooLong

    // Fields.
    /// LF without CR before it, or CR without LF after it.
    case invalidLineEnd
    /// A line that begins with white space (RFC 9112 § 5.2).
    case foldedLine
    /// An empty name, or one with a byte that no token has; white space before the colon.
    case invalidFieldName
    /// A control byte other than HTAB.
    case invalidFieldValue
    case headTooLarge
    case tooManyFields
    /// `Connection` names more than 64 options, on all its lines together.
    case tooManyConnectionOptions

    // How the body ends.
    case invalidContentLength
    case repeatedContentLength
    case contentLengthAndTransferEncoding
    /// `Transfer-Encoding` in HTTP/1.0 (RFC 9112 § 6.1).
    case transferEncodingInHTTP10
    /// Not exactly one `chunked`.
    case invalidTransferEncoding
    /// A coding that Heddle does not know.
    case unsupportedTransferEncoding
    /// An `Expect` other than `100-continue`.
    case unsupportedExpectation

    // The body.
    /// Not 1 to 16 hexadecimal digits, or over 2^63 - 1.
    case invalidChunkSize
    /// One that is not written as RFC 9112 § 7.1.1 has it.
    case chunkExtension
    case chunkExtensionsTooLarge
    /// Chunk data that CRLF does not follow.
    case invalidChunkEnd
    case trailersTooLarge

    // Responses.
    /// 101 to a request that asked for no upgrade.
    case unexpectedUpgrade

    /// What the caller is answered with where the message was its request.
    package var status: UInt16 {
        switch self {
        case .malformedRequest(let reason): reason.status
        case .targetTooLong: 414
        case .headTooLarge, .tooManyFields, .tooManyConnectionOptions, .trailersTooLarge, .chunkExtensionsTooLarge:
            431
        case .unsupportedExpectation: 417
        case .unsupportedTransferEncoding: 501
        case .unsupportedVersion: 505
        case .invalidRequestLine, .invalidStatusLine, .invalidLineEnd, .foldedLine, .invalidFieldName,
            .invalidFieldValue,
            .invalidContentLength, .repeatedContentLength, .contentLengthAndTransferEncoding, .transferEncodingInHTTP10,
            .invalidTransferEncoding, .invalidChunkSize, .chunkExtension, .invalidChunkEnd, .unexpectedUpgrade:
            400
        }
    }

    /// A stable name for logs: lower case, with dashes.
    package var name: StaticString {
        switch self {
        case .malformedRequest(let reason): reason.name
        case .invalidRequestLine: "invalid-request-line"
        case .invalidStatusLine: "invalid-status-line"
        case .unsupportedVersion: "unsupported-version"
        case .targetTooLong: "target-too-long"
        case .invalidLineEnd: "invalid-line-end"
        case .foldedLine: "folded-line"
        case .invalidFieldName: "invalid-field-name"
        case .invalidFieldValue: "invalid-field-value"
        case .headTooLarge: "head-too-large"
        case .tooManyFields: "too-many-fields"
        case .tooManyConnectionOptions: "too-many-connection-options"
        case .invalidContentLength: "invalid-content-length"
        case .repeatedContentLength: "repeated-content-length"
        case .contentLengthAndTransferEncoding: "content-length-and-transfer-encoding"
        case .transferEncodingInHTTP10: "transfer-encoding-in-http-1-0"
        case .invalidTransferEncoding: "invalid-transfer-encoding"
        case .unsupportedTransferEncoding: "unsupported-transfer-encoding"
        case .unsupportedExpectation: "unsupported-expectation"
        case .invalidChunkSize: "invalid-chunk-size"
        case .chunkExtension: "chunk-extension"
        case .chunkExtensionsTooLarge: "chunk-extensions-too-large"
        case .invalidChunkEnd: "invalid-chunk-end"
        case .trailersTooLarge: "trailers-too-large"
        case .unexpectedUpgrade: "unexpected-upgrade"
        }
    }
}
