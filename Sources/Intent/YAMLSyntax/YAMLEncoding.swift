import Diagnostics

/// What must hold of a file's bytes before YAML is looked for in them: UTF-8, and none but the characters that YAML
/// allows (YAML 1.2.2 § 5.1). The line separators that YAML 1.1 had besides CR and LF are refused too, because libyaml
/// would count lines by them and no editor does.
enum YAMLEncoding {
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// - Returns: What is left after a byte order mark.
    static func check(_ bytes: [UInt8], file: String, _ limits: YAMLLimits) throws(Diagnostic) -> ArraySlice<UInt8> {
        guard bytes.count <= limits.fileByteCount else {
            throw Diagnostic(
                .yamlTooLarge, at: SourcePosition(file: file, line: 1, column: 1),
                found: "a file of \(bytes.count) bytes",
                expected: "at most \(limits.fileByteCount) bytes (\(limits.fileByteCount >> 20) MiB)",
                remedy: "split it into several files")
        }
        let text = bytes.starts(with: byteOrderMark) ? bytes[byteOrderMark.count...] : bytes[...]
        if let place = firstOffence(in: text.span) {
            throw diagnostic(of: text, at: text.startIndex + place, file: file)
        }
        return text
    }

    /// - Returns: The offset of the first byte that cannot be, `nil` if all is well.
    private static func firstOffence(in bytes: Span<UInt8>) -> Int? {
        var index = 0
        let count = bytes.count
        while index < count {
            let byte = bytes[index]
            if byte < 0x80 {
                guard byte >= 0x20 && byte != 0x7F || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return index }
                index += 1
                continue
            }
            guard let (scalar, length) = decode(bytes, at: index) else { return index }
            switch scalar {
            case 0x80...0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: return index
            default: index += length
            }
        }
        return nil
    }

    /// - Returns: The scalar of two to four bytes that begins at `index`, `nil` if that is not UTF-8 (RFC 3629).
    private static func decode(_ bytes: Span<UInt8>, at index: Int) -> (scalar: UInt32, length: Int)? {
        let first = bytes[index]
        let (length, smallest): (Int, UInt32)
        switch first {
        case 0xC2...0xDF: (length, smallest) = (2, 0x80)
        case 0xE0...0xEF: (length, smallest) = (3, 0x800)
        case 0xF0...0xF4: (length, smallest) = (4, 0x10000)
        default: return nil
        }
        guard bytes.count - index >= length else { return nil }
        var scalar = UInt32(first) & (0x7F >> UInt32(length))
        for offset in 1..<length {
            let byte = bytes[index + offset]
            guard byte & 0xC0 == 0x80 else { return nil }
            scalar = scalar << 6 | UInt32(byte & 0x3F)
        }
        guard scalar >= smallest, scalar <= 0x10FFFF, !(0xD800...0xDFFF).contains(scalar) else { return nil }
        return (scalar, length)
    }

    private static func diagnostic(of text: ArraySlice<UInt8>, at offence: Int, file: String) -> Diagnostic {
        var line = 1
        var lineStart = text.startIndex
        for index in text.startIndex..<offence {
            let isBreak =
                text[index] == UInt8(ascii: "\n")
                || text[index] == UInt8(ascii: "\r") && text[index + 1] != UInt8(ascii: "\n")
            if isBreak {
                line += 1
                lineStart = index + 1
            }
        }
        let column = String(decoding: text[lineStart..<offence], as: UTF8.self).unicodeScalars.count + 1
        let position = SourcePosition(file: file, line: line, column: column, length: 1)
        let byte = text[offence]
        if byte == 0 {
            return Diagnostic(
                .yamlCharacter, at: position, found: "a NUL byte", expected: "text",
                remedy: "save the file as UTF-8 text without NUL bytes")
        }
        let span = text.span
        guard let (scalar, _) = decode(span, at: offence - text.startIndex) else {
            if byte < 0x80 { return character(UInt32(byte), at: position) }
            let isUTF16 = offence == text.startIndex && (byte == 0xFF || byte == 0xFE)
            return Diagnostic(
                .yamlEncoding, at: position,
                found: isUTF16 ? "UTF-16" : "a byte that is not UTF-8 (0x\(hexadecimal(UInt32(byte))))",
                expected: "UTF-8",
                remedy: "save the file in UTF-8")
        }
        return character(scalar, at: position)
    }

    private static func character(_ scalar: UInt32, at position: SourcePosition) -> Diagnostic {
        Diagnostic(
            .yamlCharacter, at: position, found: "the character U+\(hexadecimal(scalar, digits: 4))",
            expected: "printable characters, tabs and line breaks",
            remedy:
                "remove it, or write it as an escape in double quotation marks: \"\\u\(hexadecimal(scalar, digits: 4))\""
        )
    }

    private static func hexadecimal(_ value: UInt32, digits: Int = 2) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
