import HTTPSemantics

/// Why a stream or a connection ends (RFC 9113 § 7).
public struct HTTP2ErrorCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let noError = HTTP2ErrorCode(rawValue: 0x0)
    package static let protocolError = HTTP2ErrorCode(rawValue: 0x1)
    package static let internalError = HTTP2ErrorCode(rawValue: 0x2)
    package static let flowControlError = HTTP2ErrorCode(rawValue: 0x3)
    package static let streamClosed = HTTP2ErrorCode(rawValue: 0x5)
    package static let refusedStream = HTTP2ErrorCode(rawValue: 0x7)
    package static let cancel = HTTP2ErrorCode(rawValue: 0x8)
    package static let connectError = HTTP2ErrorCode(rawValue: 0xA)
    package static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 0xB)
}

/// Why a header block is no message (RFC 9113 § 8.1.1): its stream is reset with `PROTOCOL_ERROR`.
package enum HTTP2Error: Error, Hashable, Sendable {
    /// Upper case, or a byte that no token has.
    case invalidFieldName
    /// CR, LF, NUL or another control byte, or white space at either end.
    case invalidFieldValue
    /// Missing, repeated, late, unknown, or not for this kind of message.
    case invalidPseudoHeader
    /// `connection` and its like, or `te` with more than `trailers`.
    case connectionSpecificField
    /// Not one decimal number, or repeated.
    case invalidContentLength
    /// Another number of bytes came.
    case contentLengthMismatch
    case invalidStatus
    case malformedRequest(MalformedRequest)

    /// In lower case, with dashes.
    package var name: StaticString {
        switch self {
        case .invalidFieldName: "invalid-field-name"
        case .invalidFieldValue: "invalid-field-value"
        case .invalidPseudoHeader: "invalid-pseudo-header"
        case .connectionSpecificField: "connection-specific-field"
        case .invalidContentLength: "invalid-content-length"
        case .contentLengthMismatch: "content-length-mismatch"
        case .invalidStatus: "invalid-status"
        case .malformedRequest(let error): error.name
        }
    }
}
