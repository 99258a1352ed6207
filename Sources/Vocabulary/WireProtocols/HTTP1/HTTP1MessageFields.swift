import HTTPSemantics

/// What the fields of one head say of its framing, gathered in one look at them (RFC 9112 § 6).
struct HTTP1MessageFields {
    private(set) var hostIndex: Int?
    private(set) var contentLength: UInt64?
    private(set) var isChunked = false
    private(set) var hasTransferEncoding = false
    private(set) var closes = false
    private(set) var expectsContinue = false
    private(set) var isUpgrade = false
    /// `Upgrade` names a WebSocket, and nothing else.
    private(set) var asksForWebSocket = false

    private(set) var keepAliveSeconds: UInt32?

    /// - Parameter isRequest: `Host` and `Expect` mean something, `Keep-Alive` does not.
    init(_ head: borrowing MessageHead, isRequest: Bool) throws(HTTP1Error) {
        var hasUpgrade = false
        var namesUpgrade = false
        var optionCount = 0
        for index in 0..<head.fieldCount {
            switch head.fields[index].known {
            case .host:
                guard isRequest else { continue }
                guard hostIndex == nil else { throw .malformedRequest(.repeatedHost) }
                hostIndex = index
            case .contentLength:
                guard contentLength == nil else { throw .repeatedContentLength }
                guard let length = ContentLength.parse(head.bytes(head.fields[index].value)) else {
                    throw .invalidContentLength
                }
                contentLength = length
            case .transferEncoding:
                guard !hasTransferEncoding else { throw .invalidTransferEncoding }
                hasTransferEncoding = true
                try readTransferEncoding(head.bytes(head.fields[index].value))
            case .connection:
                let value = head.bytes(head.fields[index].value)
                var cursor = 0
                while let option = ListItems.next(value, &cursor, value.count) {
                    optionCount += 1
                    guard optionCount <= ConnectionOptions.limit else { throw .tooManyConnectionOptions }
                    let option = value.extracting(option)
                    if ASCII.equal(option, ignoringCaseOf: ("close" as StaticString).bytes) { closes = true }
                    if ASCII.equal(option, ignoringCaseOf: ("upgrade" as StaticString).bytes) { namesUpgrade = true }
                }
            case .upgrade:
                // A list could name what else the two might agree on: only the one that is known is asked for.
                asksForWebSocket =
                    !hasUpgrade
                    && ASCII.equal(
                        head.bytes(head.fields[index].value), ignoringCaseOf: UpgradeProtocol.webSocket.name.bytes)
                hasUpgrade = true
            case .keepAlive:
                guard !isRequest else { continue }
                keepAliveSeconds = Self.timeout(head.bytes(head.fields[index].value)) ?? keepAliveSeconds
            case .expect:
                guard isRequest else { continue }
                let value = head.bytes(head.fields[index].value)
                guard ASCII.equal(value, ignoringCaseOf: ("100-continue" as StaticString).bytes) else {
                    throw .unsupportedExpectation
                }
                expectsContinue = true
            default:
                // Every other field is the application's.
                continue
            }
        }
        guard !hasTransferEncoding || contentLength == nil else { throw .contentLengthAndTransferEncoding }
        isUpgrade = hasUpgrade && namesUpgrade
    }

    /// `timeout=5` among the parameters of `Keep-Alive` (RFC 2068 § 19.7.1.1). It is a hint, so that what cannot be read is none.
    private static func timeout(_ value: Span<UInt8>) -> UInt32? {
        let name = ("timeout=" as StaticString).bytes
        var cursor = 0
        while let item = ListItems.next(value, &cursor, value.count) {
            let item = value.extracting(item)
            guard item.count > name.count, ASCII.equal(item.extracting(..<name.count), ignoringCaseOf: name) else {
                continue
            }
            return ContentLength.parse(item.extracting(name.count...)).map { UInt32(clamping: $0) }
        }
        return nil
    }

    /// Takes `chunked` alone. Codings before a final `chunked` leave the framing clear, so that they are merely not
    /// supported; anything else leaves it in doubt (RFC 9112 § 6.3).
    private mutating func readTransferEncoding(_ value: Span<UInt8>) throws(HTTP1Error) {
        let chunked = ("chunked" as StaticString).bytes
        if ASCII.equal(value, ignoringCaseOf: chunked) {
            isChunked = true
            return
        }
        var cursor = 0
        var codings = 0
        var chunkedCodings = 0
        var isLastChunked = false
        while let coding = ListItems.next(value, &cursor, value.count) {
            let coding = value.extracting(coding)
            for index in coding.indices where !ByteClass.token.contains(coding[index]) {
                throw .invalidTransferEncoding
            }
            codings += 1
            isLastChunked = ASCII.equal(coding, ignoringCaseOf: chunked)
            if isLastChunked { chunkedCodings += 1 }
        }
        throw isLastChunked && codings > 1 && chunkedCodings == 1
            ? .unsupportedTransferEncoding : .invalidTransferEncoding
    }
}
