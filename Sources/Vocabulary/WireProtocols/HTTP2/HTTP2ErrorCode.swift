/// Why a stream or a connection ended, as RST_STREAM and GOAWAY say it (RFC 9113 § 7). A code nobody knows is kept as it is.
public struct HTTP2ErrorCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static var noError: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0x0) }
    public static var protocolError: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0x1) }
    public static var internalError: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0x2) }
    public static var flowControlError: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0x3) }
    public static var settingsTimeout: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0x4) }
    public static var streamClosed: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0x5) }
    public static var frameSizeError: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0x6) }
    public static var refusedStream: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0x7) }
    public static var cancel: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0x8) }
    public static var compressionError: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0x9) }
    public static var connectError: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0xA) }
    public static var enhanceYourCalm: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0xB) }
    public static var inadequateSecurity: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0xC) }
    public static var http11Required: HTTP2ErrorCode { HTTP2ErrorCode(rawValue: 0xD) }

    /// Its name in RFC 9113 § 7, in lower case with dashes, for logs.
    package var name: StaticString {
        switch self {
        case .noError: "no-error"
        case .protocolError: "protocol-error"
        case .internalError: "internal-error"
        case .flowControlError: "flow-control-error"
        case .settingsTimeout: "settings-timeout"
        case .streamClosed: "stream-closed"
        case .frameSizeError: "frame-size-error"
        case .refusedStream: "refused-stream"
        case .cancel: "cancel"
        case .compressionError: "compression-error"
        case .connectError: "connect-error"
        case .enhanceYourCalm: "enhance-your-calm"
        case .inadequateSecurity: "inadequate-security"
        case .http11Required: "http-1-1-required"
        default: "unknown-error-code"
        }
    }
}
