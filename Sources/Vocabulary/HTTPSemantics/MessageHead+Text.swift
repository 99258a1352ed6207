extension MessageHead {
    /// Bytes of this head as text, for people; what is not UTF-8 is replaced.
    package func text(_ range: ByteRange) -> String {
        // SAFETY: the pointer does not leave the closure.
        unsafe bytes(range).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// Calls `body` with some bytes of this head: for those who reach it through a class.
    package func withBytes<Result>(_ range: ByteRange, _ body: (Span<UInt8>) -> Result) -> Result { body(bytes(range)) }

    /// A request as text, for people.
    package struct TextCopy: Sendable {
        package let method: String
        package let host: String
        package let path: String
        package let fields: [(name: String, value: String)]
    }

    package func textCopy() -> TextCopy {
        TextCopy(
            method: text(method), host: text(host), path: text(path),
            fields: fields.map { (name: text($0.name), value: text($0.value)) })
    }

    /// Makes this head the same as another.
    package mutating func copy(_ other: borrowing MessageHead) {
        removeAll()
        storage.append(copying: other.storage)
        for field in other.fields { appendField(field) }
        method = other.method
        knownMethod = other.knownMethod
        scheme = other.scheme
        host = other.host
        hostPort = other.hostPort
        path = other.path
        query = other.query
        hasQuery = other.hasQuery
        hasEscapedSlash = other.hasEscapedSlash
        contentLength = other.contentLength
        upgrade = other.upgrade
        status = other.status
    }

    /// Gives back the memory that the message does not take: it stays for long, and there are many of them.
    package mutating func compact() {
        var exact = MessageHead(byteCapacity: end, fieldCapacity: fieldCount)
        exact.copy(self)
        self = exact
    }
}
