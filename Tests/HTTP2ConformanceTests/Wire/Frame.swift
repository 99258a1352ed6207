/// One frame as it stands on the wire (RFC 9113 § 4.1). Whatever can be written can be sent: nothing is checked.
struct Frame: Sendable, Equatable {
    struct Kind: RawRepresentable, Sendable, Hashable {
        let rawValue: UInt8

        static let data = Kind(rawValue: 0)
        static let headers = Kind(rawValue: 1)
        static let priority = Kind(rawValue: 2)
        static let resetStream = Kind(rawValue: 3)
        static let settings = Kind(rawValue: 4)
        static let pushPromise = Kind(rawValue: 5)
        static let ping = Kind(rawValue: 6)
        static let goAway = Kind(rawValue: 7)
        static let windowUpdate = Kind(rawValue: 8)
        static let continuation = Kind(rawValue: 9)
        /// Of no meaning to anyone (RFC 9113 § 5.5).
        static let unknown = Kind(rawValue: 0xfe)
    }

    struct Flags: OptionSet, Sendable, Hashable {
        let rawValue: UInt8

        static let endStream = Flags(rawValue: 0x1)
        static let acknowledgement = Flags(rawValue: 0x1)
        static let endHeaders = Flags(rawValue: 0x4)
        static let padded = Flags(rawValue: 0x8)
        static let priority = Flags(rawValue: 0x20)
    }

    var kind: Kind
    var flags: Flags = []
    /// With the reserved bit, if that is to be sent.
    var stream: UInt32 = 0
    var payload: [UInt8] = []

    var bytes: [UInt8] {
        [UInt8(payload.count >> 16 & 0xff), UInt8(payload.count >> 8 & 0xff), UInt8(payload.count & 0xff)]
            + [kind.rawValue, flags.rawValue] + stream.bigEndianBytes + payload
    }

    /// The same with further flags.
    func with(_ more: Flags) -> Frame {
        var frame = self
        frame.flags.formUnion(more)
        return frame
    }

    /// The same with the bit set that has no meaning.
    var withReservedBit: Frame {
        var frame = self
        frame.stream |= 0x8000_0000
        return frame
    }
}

extension Frame {
    static func data(_ stream: UInt32, count: Int = 4, endStream: Bool = false) -> Frame {
        data(stream, [UInt8](repeating: UInt8(ascii: "x"), count: count), endStream: endStream)
    }

    static func data(_ stream: UInt32, _ bytes: [UInt8], endStream: Bool = false) -> Frame {
        Frame(kind: .data, flags: endStream ? .endStream : [], stream: stream, payload: bytes)
    }

    /// - Parameter padding: What the Pad Length field says; as many octets follow the content as `paddingSent` says.
    static func data(_ stream: UInt32, _ bytes: [UInt8], endStream: Bool, padding: UInt8, paddingSent: Int) -> Frame {
        Frame(
            kind: .data, flags: endStream ? [.endStream, .padded] : .padded, stream: stream,
            payload: [padding] + bytes + [UInt8](repeating: 0, count: paddingSent))
    }

    /// A whole field block in one frame.
    static func headers(_ stream: UInt32, _ fields: Fields = .get, endStream: Bool = true) -> Frame {
        headers(stream, block: fields.block, endStream: endStream)
    }

    static func headers(_ stream: UInt32, block: [UInt8], endStream: Bool = true, endHeaders: Bool = true) -> Frame {
        var flags: Flags = []
        if endStream { flags.insert(.endStream) }
        if endHeaders { flags.insert(.endHeaders) }
        return Frame(kind: .headers, flags: flags, stream: stream, payload: block)
    }

    static func continuation(_ stream: UInt32, _ block: [UInt8] = [], endHeaders: Bool = true) -> Frame {
        Frame(kind: .continuation, flags: endHeaders ? .endHeaders : [], stream: stream, payload: block)
    }

    /// The deprecated signal of RFC 7540.
    static func priority(_ stream: UInt32, dependency: UInt32 = 0, weight: UInt8 = 15) -> Frame {
        Frame(kind: .priority, stream: stream, payload: dependency.bigEndianBytes + [weight])
    }

    static func resetStream(_ stream: UInt32, _ code: Code = .cancel) -> Frame {
        Frame(kind: .resetStream, stream: stream, payload: code.rawValue.bigEndianBytes)
    }

    static func settings(_ settings: Setting...) -> Frame { self.settings(settings) }

    static func settings(_ settings: [Setting]) -> Frame {
        Frame(kind: .settings, payload: settings.flatMap(\.bytes))
    }

    static let settingsAcknowledgement = Frame(kind: .settings, flags: .acknowledgement)

    static func pushPromise(_ stream: UInt32, promised: UInt32, _ fields: Fields = .get) -> Frame {
        Frame(
            kind: .pushPromise, flags: .endHeaders, stream: stream, payload: promised.bigEndianBytes + fields.block)
    }

    static func ping(_ payload: [UInt8] = Array("h2 probe".utf8), acknowledges: Bool = false) -> Frame {
        Frame(kind: .ping, flags: acknowledges ? .acknowledgement : [], payload: payload)
    }

    static func goAway(last: UInt32 = 0, _ code: Code = .noError, debug: [UInt8] = []) -> Frame {
        Frame(kind: .goAway, payload: last.bigEndianBytes + code.rawValue.bigEndianBytes + debug)
    }

    static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> Frame {
        Frame(kind: .windowUpdate, stream: stream, payload: increment.bigEndianBytes)
    }

    static func unknown(_ stream: UInt32 = 0, count: Int = 8) -> Frame {
        Frame(
            kind: .unknown, flags: Flags(rawValue: 0xff), stream: stream, payload: [UInt8](repeating: 7, count: count))
    }
}

/// RFC 9113 § 7.
struct Code: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    let rawValue: UInt32

    static let noError = Code(rawValue: 0)
    static let protocolError = Code(rawValue: 1)
    static let internalError = Code(rawValue: 2)
    static let flowControlError = Code(rawValue: 3)
    static let settingsTimeout = Code(rawValue: 4)
    static let streamClosed = Code(rawValue: 5)
    static let frameSizeError = Code(rawValue: 6)
    static let refusedStream = Code(rawValue: 7)
    static let cancel = Code(rawValue: 8)
    static let compressionError = Code(rawValue: 9)
    static let connectError = Code(rawValue: 10)
    static let enhanceYourCalm = Code(rawValue: 11)
    /// Of no meaning to anyone.
    static let unknown = Code(rawValue: 0xffee)

    private static let names = [
        "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
        "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    ]
    var description: String { rawValue < Self.names.count ? Self.names[Int(rawValue)] : "error \(rawValue)" }
}

/// RFC 9113 § 6.5.2.
struct Setting: Sendable, Equatable {
    let identifier: UInt16
    let value: UInt32

    static func headerTableSize(_ value: UInt32) -> Setting { Setting(identifier: 1, value: value) }
    static func enablePush(_ value: UInt32) -> Setting { Setting(identifier: 2, value: value) }
    static func maxConcurrentStreams(_ value: UInt32) -> Setting { Setting(identifier: 3, value: value) }
    static func initialWindowSize(_ value: UInt32) -> Setting { Setting(identifier: 4, value: value) }
    static func maxFrameSize(_ value: UInt32) -> Setting { Setting(identifier: 5, value: value) }
    static func maxHeaderListSize(_ value: UInt32) -> Setting { Setting(identifier: 6, value: value) }
    static func unknown(_ value: UInt32) -> Setting { Setting(identifier: 0xfee, value: value) }

    var bytes: [UInt8] { [UInt8(identifier >> 8), UInt8(identifier & 0xff)] + value.bigEndianBytes }
}

extension UInt32 {
    var bigEndianBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> (24 - 8 * $0)) } }

    /// The first four bytes.
    init(bigEndian bytes: some Collection<UInt8>) {
        self = bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }
}
