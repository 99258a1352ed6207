import CNghttp2
import HTTPSemantics

/// Lays out a head as nghttp2 takes it: names and values where they stand, pseudo-headers before the rest. Kept and used again, so
/// that a head costs no allocation.
///
/// SAFETY: the pointers in `entries` are good only inside `withFields`, which fills it anew each time.
@safe
struct HTTP2FieldWriter {
    private enum Kind {
        case request, connect, response, trailers
    }

    private var kind = Kind.trailers
    /// What stands nowhere in the head as it has to be sent: authority, path with query, numbers.
    private var scratch: [UInt8] = []
    private var pseudoHeaders: [(name: StaticString, value: Range<Int>)] = []
    private var contentLength: Range<Int>?
    private var entries: [nghttp2_nv]

    init() {
        unsafe entries = []
        scratch.reserveCapacity(1024)
        pseudoHeaders.reserveCapacity(8)
        unsafe entries.reserveCapacity(64)
    }

    private mutating func begin(_ kind: Kind) {
        self.kind = kind
        scratch.removeAll(keepingCapacity: true)
        pseudoHeaders.removeAll(keepingCapacity: true)
        contentLength = nil
    }

    mutating func request(_ head: borrowing MessageHead) {
        begin(.request)
        if head.upgrade == .none {
            add(":method") { $0.append(copying: head.bytes(head.method)) }
        } else {
            add(":method") { $0.append(copying: ("CONNECT" as StaticString).bytes) }
            add(":protocol") { $0.append(copying: head.upgrade.name.bytes) }
        }
        add(":scheme") { $0.append(copying: head.scheme.bytes) }
        add(":authority") { output in
            output.append(copying: head.bytes(head.host))
            guard head.hostPort != 0 else { return }
            output.append(UInt8(ascii: ":"))
            output.append(decimal: UInt64(head.hostPort))
        }
        add(":path") { output in
            output.append(copying: head.bytes(head.path))
            guard head.hasQuery else { return }
            output.append(UInt8(ascii: "?"))
            output.append(copying: head.bytes(head.query))
        }
        if let length = head.contentLength, head.upgrade == .none { setContentLength(length) }
    }

    mutating func connect(_ authority: [UInt8]) {
        begin(.connect)
        add(":method") { $0.append(copying: ("CONNECT" as StaticString).bytes) }
        add(":authority") { $0 += authority }
    }

    mutating func response(_ head: borrowing MessageHead) {
        begin(.response)
        add(":status") { $0.append(decimal: UInt64(head.status)) }
        if let length = head.contentLength, head.status >= 200, head.status != 204 { setContentLength(length) }
    }

    mutating func trailers(_ head: borrowing MessageHead) { begin(.trailers) }

    private mutating func add(_ name: StaticString, _ write: (inout [UInt8]) -> Void) {
        let start = scratch.count
        write(&scratch)
        pseudoHeaders.append((name, start..<scratch.count))
    }

    private mutating func setContentLength(_ length: UInt64) {
        let start = scratch.count
        scratch.append(decimal: length)
        contentLength = start..<scratch.count
    }

    /// Calls `body` with all fields, those of `head` after what the last call prepared.
    mutating func withFields<Result>(
        of head: borrowing MessageHead, _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Result
    ) -> Result {
        var entries = unsafe entries
        unsafe self.entries = []
        defer { unsafe self.entries = unsafe entries }
        unsafe entries.removeAll(keepingCapacity: true)
        return unsafe scratch.withUnsafeBufferPointer { scratch in
            for header in pseudoHeaders {
                unsafe entries.append(Self.entry(header.name, scratch, header.value))
            }
            let storage = head.storage.span
            return unsafe storage.withUnsafeBufferPointer { storage in
                for index in 0..<head.fieldCount {
                    let field = head.fields[index]
                    guard isSent(field.known) else { continue }
                    unsafe entries.append(Self.entry(storage, field))
                }
                if let contentLength {
                    unsafe entries.append(Self.entry("content-length", scratch, contentLength))
                }
                return unsafe entries.withUnsafeBufferPointer { unsafe body($0) }
            }
        }
    }

    private func isSent(_ known: KnownField) -> Bool {
        switch known {
        // Framing comes from the head's own length, never from a field that an edit could have reached.
        case .contentLength, .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .http2Settings: false
        case .host: kind == .trailers || kind == .response
        case .te: kind == .request
        default: true
        }
    }

    private static func entry(
        _ name: StaticString, _ scratch: UnsafeBufferPointer<UInt8>, _ value: Range<Int>
    ) -> nghttp2_nv {
        unsafe nghttp2_nv(
            name: UnsafeMutablePointer(mutating: name.utf8Start),
            value: UnsafeMutablePointer(mutating: scratch.baseAddress! + value.lowerBound), namelen: name.utf8CodeUnitCount,
            valuelen: value.count, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue))
    }

    private static func entry(_ storage: UnsafeBufferPointer<UInt8>, _ field: MessageHead.Field) -> nghttp2_nv {
        let base = unsafe UnsafeMutablePointer(mutating: storage.baseAddress!)
        let flags = isIndexed(field.known) ? NGHTTP2_NV_FLAG_NONE : NGHTTP2_NV_FLAG_NO_INDEX
        return unsafe nghttp2_nv(
            name: base + Int(field.name.offset), value: base + Int(field.value.offset), namelen: Int(field.name.count),
            valuelen: Int(field.value.count), flags: UInt8(flags.rawValue))
    }

    /// Secrets stay out of the tables of every hop (RFC 7541 § 7.1.3), and so does what never comes twice, for it would only push
    /// out what does.
    private static func isIndexed(_ known: KnownField) -> Bool {
        switch known {
        case .authorization, .proxyAuthorization, .requestID, .traceparent, .traceState, .grpcTimeout: false
        default: true
        }
    }
}
