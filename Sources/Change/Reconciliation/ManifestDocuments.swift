/// The documents of a YAML file as ranges of its bytes.
///
/// A line that begins with `---` or `...`, followed by a blank or its end, ends a document wherever it stands, in block
/// scalars too (YAML 1.2.2, section 9.1.2); so no parser is needed to find them.
struct ManifestDocuments {
    struct Document: Hashable {
        /// From its `---` line, if it has one, to where the next document begins.
        var bytes: Range<Int>
        /// From its first line to its last that is neither blank nor only a comment; empty if there is none.
        var content: Range<Int>
        /// From 1.
        var lines: Range<Int>
        /// Those of its content.
        var contentLines: Range<Int>
    }

    private(set) var documents: [Document] = []

    init(_ bytes: [UInt8]) {
        var start = 0
        var startLine = 1
        var contentStart: Int?
        var contentEnd = 0
        var contentLines = 1..<1
        var offset = 0
        var line = 1

        func finished(at end: Int, line endLine: Int) -> Document {
            let content = contentStart.map { $0..<contentEnd } ?? end..<end
            return Document(
                bytes: start..<end, content: content, lines: startLine..<endLine,
                contentLines: contentStart == nil ? endLine..<endLine : contentLines)
        }

        while offset < bytes.count {
            let end = LineBreak.lineEnd(in: bytes[...], from: offset)
            let text = bytes[offset..<end]
            if Self.isMarker(text, UInt8(ascii: "-")), offset > start || line > startLine {
                documents.append(finished(at: offset, line: line))
                (start, startLine, contentStart) = (offset, line, nil)
            }
            if Self.isMarker(text, UInt8(ascii: "-")) {
                // `--- {flow: mapping}` has content on the marker's line.
                let rest = text.dropFirst(3).drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
                if let first = rest.first, first != UInt8(ascii: "#"), !LineBreak.isBreak(first) {
                    contentStart = rest.startIndex
                    contentEnd = end
                    contentLines = line..<line + 1
                }
            } else if Self.isMarker(text, UInt8(ascii: ".")) {
                documents.append(finished(at: end, line: line + 1))
                (start, startLine, contentStart) = (end, line + 1, nil)
            } else if Self.isContent(text, afterContent: contentStart != nil) {
                if contentStart == nil {
                    contentStart = offset
                    contentLines = line..<line
                }
                contentEnd = end
                contentLines = contentLines.lowerBound..<line + 1
            }
            offset = end
            line += 1
        }
        if start < bytes.count { documents.append(finished(at: bytes.count, line: line)) }
    }

    /// The document that a line of the file is in.
    func index(ofLine line: Int) -> Int? {
        var low = 0
        var high = documents.count
        while low < high {
            let middle = (low + high) / 2
            if documents[middle].lines.upperBound <= line { low = middle + 1 } else { high = middle }
        }
        return low < documents.count && documents[low].lines.contains(line) ? low : nil
    }

    private static func isMarker(_ line: ArraySlice<UInt8>, _ character: UInt8) -> Bool {
        guard line.count >= 3, line.prefix(3).allSatisfy({ $0 == character }) else { return false }
        guard let next = line.dropFirst(3).first else { return true }
        return next == UInt8(ascii: " ") || next == UInt8(ascii: "\t") || LineBreak.isBreak(next)
    }

    /// An indented `#` after content may be part of a block scalar, so there only those in the first column are comments.
    private static func isContent(_ line: ArraySlice<UInt8>, afterContent: Bool) -> Bool {
        guard let first = line.first(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }),
            !LineBreak.isBreak(first)
        else {
            return false
        }
        if afterContent { return line.first != UInt8(ascii: "#") }
        return first != UInt8(ascii: "#")
    }
}
