package import HTTPSemantics

/// Why one message was refused; the connection goes on. The names are stable: they stand in logs and in
/// `docs/reference/http2.md`.
package enum HTTP2Error: Error, Hashable, Sendable {
    // Fields (RFC 9113 § 8.2).
    /// No token, or an upper-case letter in it.
    case invalidFieldName
    /// A control byte other than HTAB, or white space around the value.
    case invalidFieldValue
    /// `connection`, `keep-alive`, `proxy-connection`, `transfer-encoding` or `upgrade`.
    case connectionSpecificField
    /// `te` with anything but `trailers`.
    case invalidTE
    case headerListTooLarge
    case tooManyFields
    /// `:path` over its limit.
    case targetTooLong

    // Pseudo-header fields (§ 8.3).
    /// One that no message of this kind has.
    case unknownPseudoField
    case repeatedPseudoField
    /// After a field that is none.
    case latePseudoField
    case missingPseudoField
    /// One that this method does not have.
    case unexpectedPseudoField
    /// Neither `http` nor `https`.
    case invalidScheme
    /// Not beginning with `/`, and not `*` for `OPTIONS`.
    case invalidPath
    /// Not three digits from 100 on, or 101, which HTTP/2 does not have.
    case invalidStatus
    /// Nothing that a request in canonical form can be made of.
    case malformedRequest(MalformedRequest)
    /// `:protocol` with anything but `websocket` (RFC 8441).
    case unsupportedProtocol
    /// An `expect` other than `100-continue`.
    case unsupportedExpectation

    // What follows the head (§ 8.1).
    /// Not 1 to 18 digits.
    case invalidContentLength
    case repeatedContentLength
    /// The bytes of the body are more, or fewer.
    case contentLengthMismatch
    /// A body where the message has none: before its head, or in an answer to HEAD, with 204 or 304.
    case unexpectedBody
    /// A header block after the head that does not end the stream.
    case unexpectedHead
    /// An interim response that ends the stream.
    case missingFinalResponse

    /// What the caller is answered with instead of RST_STREAM with PROTOCOL_ERROR: the message is well-formed HTTP/2.
    package var status: UInt16? {
        switch self {
        case .malformedRequest(let reason): reason.status
        case .headerListTooLarge, .tooManyFields: 431
        case .targetTooLong: 414
        case .unsupportedProtocol: 501
        case .unsupportedExpectation: 417
        case .invalidFieldName, .invalidFieldValue, .connectionSpecificField, .invalidTE, .unknownPseudoField,
            .repeatedPseudoField, .latePseudoField, .missingPseudoField, .unexpectedPseudoField, .invalidScheme,
            .invalidPath, .invalidStatus, .invalidContentLength, .repeatedContentLength, .contentLengthMismatch,
            .unexpectedBody, .unexpectedHead, .missingFinalResponse:
            nil
        }
    }

    /// A stable name for logs: lower case, with dashes.
    package var name: StaticString {
        switch self {
        case .invalidFieldName: "invalid-field-name"
        case .invalidFieldValue: "invalid-field-value"
        case .connectionSpecificField: "connection-specific-field"
        case .invalidTE: "invalid-te"
        case .headerListTooLarge: "header-list-too-large"
        case .tooManyFields: "too-many-fields"
        case .targetTooLong: "target-too-long"
        case .unknownPseudoField: "unknown-pseudo-field"
        case .repeatedPseudoField: "repeated-pseudo-field"
        case .latePseudoField: "late-pseudo-field"
        case .missingPseudoField: "missing-pseudo-field"
        case .unexpectedPseudoField: "unexpected-pseudo-field"
        case .invalidScheme: "invalid-scheme"
        case .invalidPath: "invalid-path"
        case .invalidStatus: "invalid-status"
        case .malformedRequest(let reason): reason.name
        case .unsupportedProtocol: "unsupported-protocol"
        case .unsupportedExpectation: "unsupported-expectation"
        case .invalidContentLength: "invalid-content-length"
        case .repeatedContentLength: "repeated-content-length"
        case .contentLengthMismatch: "content-length-mismatch"
        case .unexpectedBody: "unexpected-body"
        case .unexpectedHead: "unexpected-head"
        case .missingFinalResponse: "missing-final-response"
        }
    }
}
