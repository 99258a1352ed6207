import Diagnostics

/// A line that says what handles of tags stand for (YAML 1.2.2 § 6.8.2). No manifest needs one, for tags outside the
/// core schema are refused in any case; and libyaml compares each with all those before it, in one call that cannot be
/// broken off: for 4 MiB of them it takes minutes. So it is given none.
///
/// Any line that begins with `%TAG` is taken for one, whatever stands above it. Where a token may begin, libyaml takes
/// it for nothing else; where none may, a scalar goes on that is not indented, and YAML has none in a block mapping.
enum TagDirective {
    private static let name = "%TAG"

    static func refuse(in text: ArraySlice<UInt8>, file: String) throws(Diagnostic) {
        var rest = text
        while let place = rest.firstIndex(of: UInt8(ascii: "%")) {
            if text.isLineStart(place), isOne(rest[place...]) {
                throw diagnostic(line: text.lineBreakCount(before: place) + 1, file: file)
            }
            rest = rest[(place + 1)...]
        }
    }

    /// - Parameter rest: Of the file, from the beginning of a line.
    private static func isOne(_ rest: ArraySlice<UInt8>) -> Bool {
        guard rest.starts(with: name.utf8) else { return false }
        return rest.dropFirst(name.utf8.count).first.map { [0x20, 0x09, 0x0A, 0x0D].contains($0) } ?? true
    }

    private static func diagnostic(line: Int, file: String) -> Diagnostic {
        Diagnostic(
            .yamlTag, at: SourcePosition(file: file, line: line, column: 1, length: name.utf8.count),
            found: "a \(name) directive", expected: "no tags but those of YAML's core schema, which need none",
            remedy: "remove the line")
    }
}

extension ArraySlice<UInt8> {
    /// Other ends of lines, which libyaml has besides, stand in no text that `YAMLEncoding` lets pass.
    fileprivate func isLineStart(_ place: Int) -> Bool {
        place == startIndex || self[place - 1] == 0x0A || self[place - 1] == 0x0D
    }

    func lineBreakCount(before end: Int) -> Int {
        var count = 0
        for index in startIndex..<end {
            let isPair = self[index] == 0x0D && index + 1 < end && self[index + 1] == 0x0A
            if self[index] == 0x0A || self[index] == 0x0D && !isPair { count += 1 }
        }
        return count
    }
}
