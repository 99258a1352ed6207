import Diagnostics

/// A text put together from pieces of others, which knows of each line where it came from: mistakes in it are told where
/// people can see them, in what they handed in or in what lies on the disk.
struct EditedText: Sendable {
    struct Origin: Hashable, Sendable {
        enum Source: Hashable, Sendable {
            /// The file of the same name in the folder.
            case folder(String)
            /// What was handed in, by the name that it was given.
            case given(String)
        }

        let source: Source
        let line: Int
        /// To be added to columns: the line began in the middle of its own.
        var columnShift = 0
    }

    private(set) var bytes: [UInt8] = []
    /// Of each line.
    private(set) var origins: [Origin] = []

    init() {}

    /// A whole file.
    init(_ bytes: [UInt8], from source: Origin.Source) {
        self.bytes = bytes
        origins = (0...LineBreak.count(in: bytes[...])).map { Origin(source: source, line: $0 + 1) }
    }

    /// Appends a piece of another text, on a line of its own.
    /// - Parameters:
    ///   - range: Of its bytes.
    ///   - line: Which its first byte is on, from 1.
    mutating func append(_ text: EditedText, _ range: Range<Int>, line: Int) {
        guard !range.isEmpty else { return }
        endLine()
        let piece = text.bytes[range]
        var first = text.origins[line - 1]
        let before = text.bytes[..<range.lowerBound].reversed().prefix { !LineBreak.isBreak($0) }
        first.columnShift += String(decoding: before.reversed(), as: UTF8.self).unicodeScalars.count
        let breaks = LineBreak.count(in: piece)
        // The line after the last break has no bytes of this piece.
        let lineCount = piece.last.map(LineBreak.isBreak) == true ? breaks : breaks + 1
        bytes += piece
        origins.append(first)
        origins += text.origins[line..<(line - 1 + lineCount)]
    }

    /// Ends the last line, if it is not.
    mutating func endLine() {
        if let last = bytes.last, !LineBreak.isBreak(last) { bytes.append(UInt8(ascii: "\n")) }
    }

    /// Where a place in this text came from.
    func origin(of position: SourcePosition) -> (source: Origin.Source, line: Int, column: Int)? {
        guard let last = origins.last else { return nil }
        // The end of the text is on a line of its own.
        let isBeyond = position.line > origins.count
        let origin = isBeyond ? last : origins[position.line - 1]
        return (
            origin.source, origin.line + (isBeyond ? position.line - origins.count : 0),
            position.column + (isBeyond ? 0 : origin.columnShift)
        )
    }
}

/// Where YAML ends a line: at CR LF, LF, or CR (YAML 1.2.2 § 5.4).
enum LineBreak {
    static func isBreak(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }

    /// - Returns: Where the line that `start` is in ends, behind its break.
    static func lineEnd(in bytes: ArraySlice<UInt8>, from start: Int) -> Int {
        guard let index = bytes[start...].firstIndex(where: isBreak) else { return bytes.endIndex }
        let isPair =
            bytes[index] == UInt8(ascii: "\r") && index + 1 < bytes.endIndex
            && bytes[index + 1] == UInt8(ascii: "\n")
        return index + (isPair ? 2 : 1)
    }

    static func count(in bytes: ArraySlice<UInt8>) -> Int {
        var count = 0
        var isAfterReturn = false
        for byte in bytes {
            if isBreak(byte), !(isAfterReturn && byte == UInt8(ascii: "\n")) { count += 1 }
            isAfterReturn = byte == UInt8(ascii: "\r")
        }
        return count
    }
}
