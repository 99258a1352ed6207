/// The one form of a path that rules, routes and workloads see.
///
/// It begins with `/`; escapes of unreserved bytes are decoded, once; other escapes stay, in upper case; `\` is `/`; dot
/// segments and repeated slashes are gone; bytes that no path may hold but that people send (`"<>[]^{|}` and the back
/// quote) are escaped. Whatever form a path came in, its canonical form has the canonical form of itself.
package enum CanonicalPath {
    /// Brings a path, and the query after its first `?`, to canonical form. A path that has it already stays where it is;
    /// another is written anew at the end of the storage.
    static func canonicalize(_ target: ByteRange, in storage: inout ByteBuffer) throws(MalformedRequest) -> Parts {
        let bounds = target.bounds
        guard !bounds.isEmpty, isSlash(storage[bounds.lowerBound]) else { throw .invalidTarget }
        var parts = Parts()
        let clean = endOfClean(storage.span, bounds)
        var pathEnd = clean
        if clean < bounds.upperBound, storage[clean] != UInt8(ascii: "?") {
            pathEnd = bounds.upperBound
            for index in clean..<bounds.upperBound where storage[index] == UInt8(ascii: "?") {
                pathEnd = index
                break
            }
            parts.path = try rewrite(bounds.lowerBound..<pathEnd, in: &storage, &parts.hasEscapedSlash)
        } else {
            parts.path = ByteRange(offset: bounds.lowerBound, count: clean - bounds.lowerBound)
        }
        if pathEnd < bounds.upperBound {
            parts.hasQuery = true
            parts.query = ByteRange(offset: pathEnd + 1, count: bounds.upperBound - pathEnd - 1)
            try checkQuery(storage.span, parts.query.bounds)
        }
        return parts
    }

    struct Parts {
        var path = ByteRange.empty
        var query = ByteRange.empty
        var hasQuery = false
        var hasEscapedSlash = false
    }

    @inline(__always)
    private static func isSlash(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") }

    /// The first byte that is not simply a part of a canonical path: the `?`, or where `rewrite` must look.
    private static func endOfClean(_ bytes: Span<UInt8>, _ bounds: Range<Int>) -> Int {
        var previous: UInt8 = 0
        for index in bounds {
            let byte = bytes[index]
            guard ByteClass.path.contains(byte) else { return index }
            // `//` and `/.`
            if previous == UInt8(ascii: "/"), byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".") { return index }
            previous = byte
        }
        return bounds.upperBound
    }

    private static func rewrite(
        _ source: Range<Int>, in storage: inout ByteBuffer, _ hasEscapedSlash: inout Bool
    ) throws(MalformedRequest) -> ByteRange {
        let start = storage.count
        storage.append(UInt8(ascii: "/"))
        // The segment under way begins here; the byte before it is a slash.
        var segment = storage.count
        var index = source.lowerBound + 1
        while index < source.upperBound {
            let byte = storage[index]
            index += 1
            if isSlash(byte) {
                endSegment(&segment, from: start, in: &storage, isLast: false)
            } else if byte == UInt8(ascii: "%") {
                let value = try escaped(storage.span, index, source.upperBound)
                index += 2
                if isSlash(value) { hasEscapedSlash = true }
                appendDecoded(value, to: &storage)
            } else if byte == UInt8(ascii: "#") {
                throw .fragment
            } else if byte > 0x20, byte < 0x7F {
                appendLiteral(byte, to: &storage)
            } else {
                throw .invalidPathByte
            }
        }
        endSegment(&segment, from: start, in: &storage, isLast: true)
        // Its segment may have been removed since.
        if hasEscapedSlash { hasEscapedSlash = containsEscapedSlash(storage.span.extracting(start...)) }
        return ByteRange(offset: start, count: storage.count - start)
    }

    /// - Parameter path: In canonical form.
    private static func containsEscapedSlash(_ path: Span<UInt8>) -> Bool {
        for index in path.indices where path[index] == UInt8(ascii: "%") {
            let digits = (path[index + 1], path[index + 2])
            if digits == (UInt8(ascii: "2"), UInt8(ascii: "F")) || digits == (UInt8(ascii: "5"), UInt8(ascii: "C")) {
                return true
            }
        }
        return false
    }

    /// Ends the segment at the end of the storage: removes it if it is empty, `.` or `..`, the latter with the one before.
    private static func endSegment(_ segment: inout Int, from start: Int, in storage: inout ByteBuffer, isLast: Bool) {
        let count = storage.count - segment
        let dot = UInt8(ascii: ".")
        if count == 1, storage[segment] == dot {
            storage.removeLast()
        } else if count == 2, storage[segment] == dot, storage[segment + 1] == dot {
            storage.removeLast(2)
            if segment - 1 > start {
                storage.removeLast()
                while storage[storage.count - 1] != UInt8(ascii: "/") { storage.removeLast() }
                segment = storage.count
            }
        } else if count > 0, !isLast {
            storage.append(UInt8(ascii: "/"))
            segment = storage.count
        }
    }

    /// The byte that the two digits at `index`, after a `%`, stand for.
    package static func escaped(
        _ bytes: Span<UInt8>, _ index: Int, _ end: Int
    ) throws(MalformedRequest) -> UInt8 {
        guard index + 2 <= end, let high = ASCII.hexValue(bytes[index]), let low = ASCII.hexValue(bytes[index + 1])
        else {
            throw .invalidEscape
        }
        let value = high << 4 | low
        guard value != 0 else { throw .escapedNUL }
        return value
    }

    /// Appends what an escape of `byte` becomes: the byte where the two mean the same, else the escape in upper case.
    @inline(__always)
    package static func appendDecoded(_ byte: UInt8, to storage: inout ByteBuffer) {
        if ByteClass.unreserved.contains(byte) { storage.append(byte) } else { appendEscape(byte, to: &storage) }
    }

    /// Appends what `byte` becomes that came as it is: itself if a path may hold it, else its escape.
    @inline(__always)
    package static func appendLiteral(_ byte: UInt8, to storage: inout ByteBuffer) {
        if ByteClass.path.contains(byte) { storage.append(byte) } else { appendEscape(byte, to: &storage) }
    }

    private static func appendEscape(_ byte: UInt8, to storage: inout ByteBuffer) {
        storage.append(UInt8(ascii: "%"))
        storage.append(ASCII.hexDigit(byte >> 4))
        storage.append(ASCII.hexDigit(byte & 15))
    }

    /// A query is kept as it is, if it may be sent at all.
    private static func checkQuery(_ bytes: Span<UInt8>, _ bounds: Range<Int>) throws(MalformedRequest) {
        var cursor = bounds.lowerBound
        while cursor + 8 <= bounds.upperBound {
            let word = bytes.word(at: cursor)
            guard ByteWord.outsideTargets(word) | ByteWord.matches(word, UInt8(ascii: "#")) == 0 else { break }
            cursor += 8
        }
        for index in cursor..<bounds.upperBound {
            let byte = bytes[index]
            guard byte > 0x20, byte < 0x7F else { throw .invalidQueryByte }
            guard byte != UInt8(ascii: "#") else { throw .fragment }
        }
    }
}
