extension Diagnostic {
    /// Longest excerpt of a source line, in Unicode scalars: a file that is one line of 4 MiB is not printed whole.
    private static let maximumExcerptCount = 160

    /// What people read, two or three lines without a line break at the end:
    ///
    /// ```text
    /// mesh/shop.yaml:14:17: error[manifest.unknown-backend]: found "paymets", expected a Service in namespace "shop"
    ///   14 |         - name: paymets
    ///      |                 ^^^^^^^ change it to "payments", or add a Service named "paymets"
    /// ```
    /// The line is left out if it is secret.
    /// - Parameter source: the text of the file, `nil` where it cannot be had.
    package func rendered(in source: SourceText?) -> String {
        guard !isLineSecret, let line = source?.line(position.line), !line.isEmpty else {
            return "\(description)\n     = \(remedy.printable)"
        }
        let number = String(position.line)
        let gutter = String(repeating: " ", count: max(4, number.count) - number.count) + number
        let margin = String(repeating: " ", count: gutter.count)

        let mark = min(max(position.column - 1, 0), line.count)
        let start =
            mark > Self.maximumExcerptCount / 2 && line.count > Self.maximumExcerptCount
            ? mark - Self.maximumExcerptCount / 2 : 0
        let end = min(line.count, start + Self.maximumExcerptCount)
        let excerpt = (start > 0 ? "…" : "") + Self.printable(line[start..<end]) + (end < line.count ? "…" : "")
        let carets = max(1, min(position.length, end - mark))
        // A tab stays a tab below the line too, so that the carets stand where the terminal puts the text.
        var indent = start > 0 ? " " : ""
        for scalar in line[start..<mark] { indent += scalar == "\t" ? "\t" : " " }
        return """
            \(description)
            \(gutter) | \(excerpt)
            \(margin) | \(indent)\(String(repeating: "^", count: carets)) \(remedy.printable)
            """
    }

    /// One sign for each scalar, so that the carets below point at what is meant.
    private static func printable(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var text = String.UnicodeScalarView()
        for scalar in scalars { text.append(scalar.isPrintable || scalar == "\t" ? scalar : "\u{FFFD}") }
        return String(text)
    }

    /// For `--output json`: `{"severity", "code", "file", "line", "column", "length", "found", "expected", "remedy"}`.
    package var json: JSONValue {
        [
            "severity": .string(severity.rawValue), "code": .string(code.rawValue), "file": .string(position.file),
            "line": .integer(position.line), "column": .integer(position.column), "length": .integer(position.length),
            "found": .string(found), "expected": .string(expected), "remedy": .string(remedy),
        ]
    }

    /// As people read them, one below the other, each ending in a line break; of very many the first, and how many more
    /// there are.
    /// - Parameter bytes: the content of a file named in a position, `nil` where it cannot be had.
    package static func rendered(_ diagnostics: [Diagnostic], readingFiles bytes: (String) -> [UInt8]?) -> String {
        let shown = ShownDiagnostics(diagnostics)
        var sources: [String: SourceText?] = [:]
        var text = ""
        for diagnostic in shown.shown {
            let file = diagnostic.position.file
            let source: SourceText?
            if let known = sources[file] {
                source = known
            } else {
                source = bytes(file).map { SourceText($0) }
                sources[file] = .some(source)
            }
            text += diagnostic.rendered(in: source) + "\n"
        }
        if let rest = shown.rest { text += rest + "\n" }
        return text
    }

    /// Text of a file or a person as it is put into `found`, `expected` or `remedy`: in quotation marks, control
    /// characters and quotation marks escaped, at most 60 characters of it.
    package static func quoted(_ text: String) -> String {
        // Nearly every name is plain; warnings by the thousand are made anew with each set.
        if text.utf8.count <= 60, text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != 0x22 && $0 != 0x5C }) {
            return "\"" + text + "\""
        }
        var result = "\""
        var count = 0
        for scalar in text.unicodeScalars {
            guard count < 60 else {
                result += "…"
                break
            }
            switch scalar {
            case "\"", "\\", "\n", "\t", "\r": result += scalar.escaped(asASCII: false)
            default: result += scalar.isPrintable ? String(scalar) : scalar.escaped(asASCII: true)
            }
            count += 1
        }
        return result + "\""
    }
}

extension [Diagnostic] {
    /// By file, line and column; of several at one place, errors first, then by code.
    package func sortedByPosition() -> [Diagnostic] {
        // Numbers are moved about, and not what is large.
        indices.sorted { isBefore($0, $1) }.map { self[$0] }
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        if self[left].position < self[right].position { return true }
        if self[right].position < self[left].position { return false }
        if self[left].severity != self[right].severity { return self[left].severity == .error }
        return self[left].code.rawValue < self[right].code.rawValue
    }
}
