import HPACKCoding

/// Watches that a peer keeps the rules for what it sends. Every test looks at it, whatever else it is about.
struct Conduct {
    private(set) var complaints: [String] = []
    private let isServer: Bool
    private var largestFrame = 16_384
    private var initialWindow = 65_535
    private var connectionWindow = 65_535
    private var windows: [UInt32: Int] = [:]
    private var opened: Set<UInt32> = []
    private var ended: Set<UInt32> = []
    private var reset: Set<UInt32> = []
    private var finalHeads: Set<UInt32> = []
    private var highest: UInt32 = 0
    private var openBlock: UInt32?
    private var lastStreams: [UInt32] = []
    private var isFirst = true

    /// - Parameter isServer: Whether the watched peer is the server.
    init(isServer: Bool) { self.isServer = isServer }

    mutating func complain(_ what: String) { if complaints.count < 10 { complaints.append(what) } }

    /// Allowances count from when they are given; what takes them back, from when the peer says that it knows.
    mutating func noteSent(_ frame: Frame) {
        switch frame.kind {
        case .headers: opened.insert(frame.stream & 0x7fff_ffff)
        case .windowUpdate where frame.payload.count == 4:
            let increment = Int(UInt32(bigEndian: frame.payload) & 0x7fff_ffff)
            if frame.stream == 0 {
                connectionWindow += increment
            } else {
                windows[frame.stream, default: initialWindow] += increment
            }
        case .settings:
            for setting in frame.settings {
                if setting.identifier == 4, Int(setting.value) > initialWindow { change(initialWindow: setting.value) }
                if setting.identifier == 5 { largestFrame = max(largestFrame, Int(setting.value)) }
            }
        default: break
        }
    }

    /// The peer has acknowledged it.
    mutating func noteInForce(_ setting: Setting) {
        if setting.identifier == 4 { change(initialWindow: setting.value) }
        if setting.identifier == 5 { largestFrame = Int(setting.value) }
    }

    private mutating func change(initialWindow value: UInt32) {
        for id in windows.keys { windows[id]! += Int(value) - initialWindow }
        initialWindow = Int(value)
    }

    mutating func noteReceived(_ frame: Frame) {
        let what = frame.summary
        if isFirst, !frame.isPreface { complain("the first frame is no SETTINGS but \(what)") }
        isFirst = false
        if frame.payload.count > largestFrame { complain("\(what) is larger than SETTINGS_MAX_FRAME_SIZE") }
        if frame.stream > 0x7fff_ffff { complain("\(what) has the reserved bit") }
        if !frame.flags.isSubset(of: frame.definedFlags) { complain("\(what) has flags \(frame.flags.rawValue)") }
        if let block = openBlock, frame.kind != .continuation || frame.stream != block {
            complain("\(what) inside a field block")
        }
        let isOfConnection = [.settings, .ping, .goAway].contains(frame.kind)
        if isOfConnection != (frame.stream == 0), frame.kind != .windowUpdate { complain("\(what) on this stream") }
        if frame.stream != 0 { noteOnStream(frame, what) }

        switch frame.kind {
        case .headers, .pushPromise: openBlock = frame.flags.contains(.endHeaders) ? nil : frame.stream
        case .continuation:
            if openBlock == nil { complain("\(what) continues nothing") }
            if frame.flags.contains(.endHeaders) { openBlock = nil }
        case .data: noteData(frame, what)
        case .settings: noteSettings(frame)
        case .windowUpdate:
            if frame.payload.count != 4 || UInt32(bigEndian: frame.payload) == 0 { complain("\(what) adds nothing") }
        case .goAway:
            let last = UInt32(bigEndian: frame.payload) & 0x7fff_ffff
            if let earlier = lastStreams.last, last > earlier { complain("GOAWAY's last stream grew to \(last)") }
            lastStreams.append(last)
        default: break
        }
    }

    private mutating func noteOnStream(_ frame: Frame, _ what: String) {
        let id = frame.stream
        if frame.kind == .headers, !isServer, !opened.contains(id) {
            if id % 2 == 0 || id <= highest { complain("\(what) opens a stream that a client cannot") }
            highest = max(highest, id)
            opened.insert(id)
        } else if !opened.contains(id), frame.kind != .priority {
            complain("\(what) on an idle stream")
        }
        if reset.contains(id), ![.priority, .resetStream].contains(frame.kind) { complain("\(what) after RST_STREAM") }
        if ended.contains(id), [.data, .headers].contains(frame.kind) { complain("\(what) after END_STREAM") }
        if frame.kind == .resetStream { reset.insert(id) }
        if [.data, .headers].contains(frame.kind), frame.flags.contains(.endStream) { ended.insert(id) }
    }

    private mutating func noteData(_ frame: Frame, _ what: String) {
        if !finalHeads.contains(frame.stream) { complain("\(what) before a head") }
        connectionWindow -= frame.payload.count
        windows[frame.stream, default: initialWindow] -= frame.payload.count
        guard !frame.payload.isEmpty else { return }
        if connectionWindow < 0 { complain("\(what) beyond the connection's window") }
        if windows[frame.stream]! < 0 { complain("\(what) beyond the stream's window") }
    }

    private mutating func noteSettings(_ frame: Frame) {
        if frame.flags.contains(.acknowledgement), !frame.payload.isEmpty {
            complain("an acknowledgement with settings")
        }
        for setting in frame.settings {
            switch setting.identifier {
            case 2 where setting.value > (isServer ? 0 : 1): complain("SETTINGS_ENABLE_PUSH is \(setting.value)")
            case 4 where setting.value > 0x7fff_ffff: complain("SETTINGS_INITIAL_WINDOW_SIZE is \(setting.value)")
            case 5 where !(16_384...16_777_215).contains(setting.value):
                complain("SETTINGS_MAX_FRAME_SIZE is \(setting.value)")
            default: break
            }
        }
    }

    /// A head or a trailer section (RFC 9113 §§ 8.1 to 8.3).
    mutating func noteHead(_ fields: Fields, on stream: UInt32, endsStream: Bool) {
        let pseudo = fields.lines.prefix { $0.name.hasPrefix(":") }.map(\.name)
        let names = fields.lines.map(\.name)
        let isTrailer = finalHeads.contains(stream)
        if isTrailer {
            if !pseudo.isEmpty { complain("trailers have \(pseudo)") }
            if !endsStream { complain("trailers do not end the stream") }
        } else if isServer {
            if pseudo != [":status"] { complain("a response has \(pseudo)") }
            if fields[":status"] == "101" { complain("status 101") }
            if fields[":status"]?.hasPrefix("1") != true {
                finalHeads.insert(stream)
            } else if endsStream {
                complain("an interim response ends the stream")
            }
        } else {
            finalHeads.insert(stream)
            if Set(pseudo).count != pseudo.count { complain("a request has \(pseudo)") }
            if !pseudo.contains(":method") || fields[":method"] != "CONNECT" && !pseudo.contains(":path") {
                complain("a request has \(pseudo)")
            }
            if let host = fields["host"], host != fields[":authority"] { complain("host differs from :authority") }
            if let coding = fields["te"], coding != "trailers" { complain("te: \(coding)") }
        }
        if names.dropFirst(pseudo.count).contains(where: { $0.hasPrefix(":") }) { complain("a late pseudo-header") }
        let forbidden = [
            "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade", "http2-settings",
        ]
        for field in fields.lines {
            if forbidden.contains(field.name) || isServer && field.name == "te" { complain("sends \(field.name)") }
            let hasBadName =
                field.name.isEmpty || field.name.latin1.contains { $0 <= 0x20 || $0 > 0x7e || 0x41...0x5a ~= $0 }
            if hasBadName { complain("sends the name \"\(field.name)\"") }
            let value = field.value.latin1
            if value.contains(where: { [0, 10, 13].contains($0) }) { complain("sends \(field.name) with a bad value") }
            if let first = value.first, let last = value.last, [9, 32].contains(first) || [9, 32].contains(last) {
                complain("sends \(field.name) with white space around it")
            }
        }
    }
}

extension Frame {
    /// Those that have a meaning (RFC 9113 § 6).
    var definedFlags: Flags {
        switch kind {
        case .data: [.endStream, .padded]
        case .headers: [.endStream, .endHeaders, .padded, .priority]
        case .settings, .ping: .acknowledgement
        case .pushPromise: [.endHeaders, .padded]
        case .continuation: .endHeaders
        default: []
        }
    }
}
