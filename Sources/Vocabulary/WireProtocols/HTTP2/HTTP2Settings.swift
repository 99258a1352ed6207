/// What a peer has said of itself with SETTINGS (RFC 9113 § 6.5), as far as it matters here.
struct HTTP2Settings {
    /// What each is named by on the wire.
    enum Identifier {
        static let headerTableSize: UInt16 = 0x1
        static let enablePush: UInt16 = 0x2
        static let maxConcurrentStreams: UInt16 = 0x3
        static let initialWindowSize: UInt16 = 0x4
        static let maxFrameSize: UInt16 = 0x5
        static let maxHeaderListSize: UInt16 = 0x6
        /// RFC 8441 § 3.
        static let enableConnectProtocol: UInt16 = 0x8
        /// RFC 9218 § 2.1.
        static let noRFC7540Priorities: UInt16 = 0x9
    }

    static let entryByteCount = 6
    static let defaultWindow = 65_535
    static let windowLimit = Int(Int32.max)

    var headerTableSize: UInt32 = 4096
    var maxConcurrentStreams = UInt32.max
    var initialWindow = defaultWindow
    var allowsExtendedConnect = false

    /// Takes one entry.
    /// - Parameter isServers: The peer is a server.
    /// - Returns: What is wrong with it: the connection's error.
    mutating func set(_ identifier: UInt16, to value: UInt32, isServers: Bool) -> HTTP2ErrorCode? {
        switch identifier {
        case Identifier.headerTableSize: headerTableSize = value
        case Identifier.enablePush: guard value == 0 || (value == 1 && !isServers) else { return .protocolError }
        case Identifier.maxConcurrentStreams: maxConcurrentStreams = value
        case Identifier.initialWindowSize:
            guard value <= UInt32(Self.windowLimit) else { return .flowControlError }
            initialWindow = Int(value)
        case Identifier.maxFrameSize: guard (16_384...16_777_215).contains(value) else { return .protocolError }
        case Identifier.enableConnectProtocol:
            // Who has said so cannot take it back (RFC 8441 § 3).
            guard value <= 1, value == 1 || !allowsExtendedConnect else { return .protocolError }
            allowsExtendedConnect = value == 1
        case Identifier.noRFC7540Priorities: guard value <= 1 else { return .protocolError }
        default: break
        }
        return nil
    }
}
