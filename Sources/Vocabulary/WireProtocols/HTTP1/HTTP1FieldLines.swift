import HTTPSemantics

/// Field lines as they stand in heads and trailer sections (RFC 9112 § 5).
enum HTTP1FieldLines {
    /// Reads lines up to and with the empty one and appends the fields, with ranges into `bytes` and not yet interned.
    /// - Returns: The offset after the empty line; `nil` if it has not come.
    static func scan(
        _ bytes: Span<UInt8>, from start: Int, into head: inout MessageHead, fieldLimit: Int
    ) throws(HTTP1Error) -> Int? {
        let count = bytes.count
        var cursor = start
        while true {
            let nameStart = cursor
            cursor = endOfName(bytes, cursor)
            guard cursor < count else { return nil }
            let nameEnd = cursor
            guard nameEnd > nameStart else {
                guard bytes[cursor] == UInt8(ascii: "\r") else { throw startOfLineError(bytes[cursor]) }
                guard cursor + 1 < count else { return nil }
                guard bytes[cursor + 1] == UInt8(ascii: "\n") else { throw .invalidLineEnd }
                return cursor + 2
            }
            guard bytes[cursor] == UInt8(ascii: ":") else { throw .invalidFieldName }
            cursor += 1
            while cursor < count, isWhiteSpace(bytes[cursor]) { cursor += 1 }
            let valueStart = cursor
            cursor = endOfValue(bytes, cursor)
            guard cursor + 1 < count else {
                guard cursor == count || bytes[cursor] == UInt8(ascii: "\r") else { throw valueError(bytes[cursor]) }
                return nil
            }
            guard bytes[cursor] == UInt8(ascii: "\r") else { throw valueError(bytes[cursor]) }
            guard bytes[cursor + 1] == UInt8(ascii: "\n") else { throw .invalidLineEnd }
            var valueEnd = cursor
            while valueEnd > valueStart, isWhiteSpace(bytes[valueEnd - 1]) { valueEnd -= 1 }
            cursor += 2
            guard head.fieldCount < fieldLimit else { throw .tooManyFields }
            head.appendLine(
                name: ByteRange(offset: nameStart, count: nameEnd - nameStart),
                value: ByteRange(offset: valueStart, count: valueEnd - valueStart))
        }
    }

    /// The first byte that a field name does not hold, as a rule the colon; the count of the bytes if there is none.
    @inline(__always)
    private static func endOfName(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        let count = bytes.count
        var cursor = start
        while cursor + 8 <= count {
            let hits = ByteWord.outsideNames(bytes.word(at: cursor))
            guard hits != 0 else {
                cursor += 8
                continue
            }
            cursor += hits.trailingZeroBitCount >> 3
            guard ByteClass.token.contains(bytes[cursor]) else { return cursor }
            cursor += 1
        }
        while cursor < count, ByteClass.token.contains(bytes[cursor]) { cursor += 1 }
        return cursor
    }

    /// The first byte that a field value does not hold, as a rule CR; the count of the bytes if there is none.
    static func endOfValue(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        let count = bytes.count
        var cursor = start
        while cursor + 8 <= count {
            let hits = ByteWord.controls(bytes.word(at: cursor))
            guard hits != 0 else {
                cursor += 8
                continue
            }
            cursor += hits.trailingZeroBitCount >> 3
            guard bytes[cursor] == UInt8(ascii: "\t") else { return cursor }
            cursor += 1
        }
        while cursor < count {
            let byte = bytes[cursor]
            guard (byte >= 0x20 && byte != 0x7F) || byte == UInt8(ascii: "\t") else { return cursor }
            cursor += 1
        }
        return count
    }

    @inline(__always)
    private static func isWhiteSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func startOfLineError(_ byte: UInt8) -> HTTP1Error {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\t"): .foldedLine
        case UInt8(ascii: "\n"): .invalidLineEnd
        default: .invalidFieldName
        }
    }

    private static func valueError(_ byte: UInt8) -> HTTP1Error {
        byte == UInt8(ascii: "\n") ? .invalidLineEnd : .invalidFieldValue
    }
}
