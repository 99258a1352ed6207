package import Diagnostics

extension Diagnostic.Code {
    /// The text is not JSON.
    package static let formatJSON = Self("format.json")
    /// The text is not UTF-8, or begins with a byte order mark where none may be.
    package static let formatEncoding = Self("format.encoding")
    /// A key that its map already has.
    package static let formatDuplicateKey = Self("format.duplicate-key")
    /// A number that a config cannot hold.
    package static let formatNumber = Self("format.number")
    /// Lists and maps nested too deeply.
    package static let formatTooDeep = Self("format.too-deep")
    /// A text of too many bytes.
    package static let formatTooLarge = Self("format.too-large")
    /// A text of too many values.
    package static let formatTooManyValues = Self("format.too-many-values")
}

/// The mistakes that every format knows.
extension TextOrigin {
    /// What stands in a text, as `found` says it; nothing of it if it is secret.
    /// - Parameter other: Words for it then: `a number`.
    package func shown(_ text: some StringProtocol, or other: String) -> String {
        isSecret ? other : Diagnostic.quoted(String(text.prefix(61)))
    }

    package func duplicateKey(_ key: String, at position: SourcePosition, first: SourcePosition?) -> Diagnostic {
        let other = first.map { "the one on line \($0.line), column \($0.column)" } ?? "the other one"
        return Diagnostic(
            .formatDuplicateKey, at: position, found: "the key \(Diagnostic.quoted(key)) a second time",
            expected: "each key once in a map", remedy: "remove this one, or \(other)")
    }

    /// - Parameter text: As it stands there.
    package func unfitNumber(_ text: String, at position: SourcePosition) -> Diagnostic {
        Diagnostic(
            .formatNumber, at: position, found: isSecret ? "another number" : "the number \(text.prefix(40))",
            expected: "a whole number from -2^63 to 2^63 - 1, or a fraction below 1.8e308",
            remedy: "put it in quotation marks, which makes it a text")
    }

    package func tooDeep(at position: SourcePosition, _ limits: ConfigLimits) -> Diagnostic {
        Diagnostic(
            .formatTooDeep, at: position, found: "lists and maps nested deeper than \(limits.depth)",
            expected: "at most \(limits.depth) levels", remedy: "nest less deeply")
    }

    package func tooManyValues(at position: SourcePosition, _ limits: ConfigLimits) -> Diagnostic {
        Diagnostic(
            .formatTooManyValues, at: position, found: "more than \(limits.valueCount) values",
            expected: "at most \(limits.valueCount) in a text", remedy: "divide them among several sources")
    }

    /// That it has no more bytes than it may, and that they are UTF-8.
    package func check(_ bytes: Span<UInt8>, _ limits: ConfigLimits) throws(Diagnostic) {
        guard bytes.count <= limits.byteCount else {
            throw Diagnostic(
                .formatTooLarge, at: position(line: 1, column: 1), found: "\(bytes.count) bytes",
                expected: "at most \(limits.byteCount) bytes", remedy: "divide it among several sources")
        }
        let offence: Int
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes)
            return
        } catch {
            offence = error.byteOffsets.lowerBound
        }
        let digits = String(bytes[offence], radix: 16, uppercase: true)
        let isUTF16 = offence == 0 && bytes[0] >= 0xFE
        throw Diagnostic(
            .formatEncoding, at: position(of: offence, in: bytes),
            found: isUTF16
                ? "UTF-16" : isSecret ? "a byte that is not UTF-8" : "a byte that is not UTF-8 (0x\(digits))",
            expected: "UTF-8", remedy: "save it in UTF-8")
    }

    /// - Parameter offset: All before it is UTF-8.
    package func position(of offset: Int, in bytes: Span<UInt8>) -> SourcePosition {
        var (line, column) = (1, 1)
        for index in 0..<offset {
            switch bytes[index] {
            case UInt8(ascii: "\n"): (line, column) = (line + 1, 1)
            case UInt8(ascii: "\r") where index + 1 == bytes.count || bytes[index + 1] != UInt8(ascii: "\n"):
                (line, column) = (line + 1, 1)
            case 0x80..<0xC0: break
            default: column += 1
            }
        }
        return position(line: line, column: column, length: 1)
    }
}
