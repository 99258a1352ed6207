import HTTPSemantics
import WireProtocols

/// What must hold of the HTTP/1.1 parsers, the body decoder and the serializer, whatever came in. Traps where it does not.
package enum HTTP1Checks {
    /// - Returns: A number for how the bytes were treated.
    package static func check(_ bytes: [UInt8]) -> UInt64 {
        var feature: UInt64 = 0
        for answers in [nil, KnownMethod.get, .head] {
            let whole = Transcript(bytes, answers: answers, cuts: [])
            let cuts = scattered(bytes)
            whole.checkSame(as: Transcript(bytes, answers: answers, cuts: cuts))
            if bytes.count < 1024 {
                whole.checkSame(as: Transcript(bytes, answers: answers, cuts: Array(0..<bytes.count)))
            }
            feature = feature &* 1_000_003 &+ whole.feature
        }
        checkChunks(bytes)
        return feature
    }

    /// Six places, the same ones for the same bytes.
    private static func scattered(_ bytes: [UInt8]) -> [Int] {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return (0..<6).map { _ in
            hash = hash &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(hash >> 33) % (bytes.count + 1)
        }.sorted()
    }

    /// The bytes as a chunked body: the decoder and a naive one agree on data and on where it ends.
    private static func checkChunks(_ bytes: [UInt8]) {
        var decoder = HTTP1BodyDecoder(.chunked)
        var trailers = MessageHead()
        var data: [UInt8] = []
        var used = 0
        var end: Int?
        do throws(HTTP1Error) {
            loop: while true {
                switch try decoder.next(bytes.span.extracting(used...), trailers: &trailers, limits: HTTP1Limits()) {
                case .data(let range):
                    precondition(!range.isEmpty)
                    data += bytes[(used + range.lowerBound)..<(used + range.upperBound)]
                    used += range.upperBound
                case .needsMore(let count):
                    precondition(used + count == bytes.count)
                    break loop
                case .end(let count):
                    used += count
                    end = used
                    break loop
                }
            }
        } catch {
            // The naive one has no limit, and does not look at trailers.
            if error == .chunkExtensionsTooLarge { return }
            precondition(
                NaiveChunks.decode(bytes)?.hasTrailers ?? true, "a body the naive decoder takes is refused: \(error)")
            return
        }
        guard let end else { return }
        guard let naive = NaiveChunks.decode(bytes) else {
            preconditionFailure("a body the naive decoder refuses is taken")
        }
        precondition(naive.data == data && naive.end == end, "chunks differ")
    }
}

/// Chunked bodies the simple way (RFC 9112 § 7.1); trailers only by where they end.
enum NaiveChunks {
    /// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )` (RFC 9112 § 7.1.1), one part after the other.
    private static func areExtensions(_ line: ArraySlice<UInt8>) -> Bool {
        var rest = line
        while !rest.isEmpty {
            skipSpace(&rest)
            guard take(";", &rest) else { return false }
            skipSpace(&rest)
            guard takeToken(&rest) else { return false }
            var after = rest
            skipSpace(&after)
            guard take("=", &after) else { continue }
            rest = after
            skipSpace(&rest)
            guard takeToken(&rest) || takeQuoted(&rest) else { return false }
        }
        return true
    }

    private static func skipSpace(_ rest: inout ArraySlice<UInt8>) { rest = rest.drop { $0 == 0x20 || $0 == 0x09 } }

    private static func take(_ character: Character, _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.first == character.asciiValue else { return false }
        rest = rest.dropFirst()
        return true
    }

    private static func takeToken(_ rest: inout ArraySlice<UInt8>) -> Bool {
        let token = rest.prefix {
            $0 < 0x80
                && (Character(UnicodeScalar($0)).isLetter || Character(UnicodeScalar($0)).isNumber
                    || "!#$%&'*+-.^_`|~".utf8.contains($0))
        }
        rest = rest.dropFirst(token.count)
        return !token.isEmpty
    }

    private static func takeQuoted(_ rest: inout ArraySlice<UInt8>) -> Bool {
        guard take("\"", &rest) else { return false }
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return true }
            let text = byte == UInt8(ascii: "\\") ? rest.popFirst() : byte
            guard let text, text == 0x09 || (text >= 0x20 && text != 0x7F) else { return false }
        }
        return false
    }

    static func decode(_ bytes: [UInt8]) -> (data: [UInt8], end: Int, hasTrailers: Bool)? {
        var rest = bytes[...]
        var data: [UInt8] = []
        while true {
            guard let line = takeLine(&rest) else { return nil }
            let digits = line.prefix { $0 < 0x80 && Character(UnicodeScalar($0)).isHexDigit }
            guard (1...16).contains(digits.count), areExtensions(line.dropFirst(digits.count)),
                let size = Int(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            if size == 0 { break }
            guard rest.count >= 2, size <= rest.count - 2 else { return nil }
            data += rest.prefix(size)
            rest = rest.dropFirst(size)
            guard rest.starts(with: [13, 10]) else { return nil }
            rest = rest.dropFirst(2)
        }
        var hasTrailers = false
        while let line = takeLine(&rest) {
            if line.isEmpty { return (data, rest.startIndex, hasTrailers) }
            hasTrailers = true
        }
        return nil
    }

    private static func takeLine(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let end = rest.firstIndex(of: 10), end > rest.startIndex, rest[end - 1] == 13 else { return nil }
        let line = rest[..<(end - 1)]
        rest = rest[(end + 1)...]
        return line
    }
}
