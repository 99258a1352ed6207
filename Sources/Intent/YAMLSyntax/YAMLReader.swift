package import Diagnostics

/// Reads a YAML file document by document, so that no more than one of them is in memory as nodes.
///
/// A document that cannot be read is skipped up to the next line that begins with `---`: one run finds the mistakes of
/// all documents. Time and memory are bounded by `YAMLLimits`, whatever the bytes are.
package struct YAMLReader: ~Copyable {
    private let file: String
    private let limits: YAMLLimits
    private let keys: YAMLKeys
    private let text: ArraySlice<UInt8>
    private var parser: YAMLEventParser
    private var isAtEnd = false
    /// Offset in `text` of the line numbered `cursorLine` (from 1); only moves forward.
    private var cursor: Int
    private var cursorLine = 1
    /// The line (from 1) at which `parser` began.
    private var firstLine = 1
    /// The line at which the last document began; 0 before the first.
    private var documentLine = 0
    private var brokenDocumentCount = 0
    /// The last line that the cursor came by and a merge left.
    private var conflict: ConflictMarker?
    private var valueCount = 0
    private var aliasedValueCount = 0
    /// Deepest level that the value being read has reached.
    private var deepest = 0
    private var anchors: [String: Anchor] = [:]

    private struct Anchor {
        let node: YAMLNode
        let valueCount: Int
        /// Levels of nesting in it: 0 for a scalar.
        let height: Int
    }

    /// - Parameter file: the name that positions carry.
    /// - Throws: if the bytes are too many, not UTF-8, hold characters that YAML does not allow, or a `%TAG` directive.
    package init(
        _ bytes: [UInt8], file: String, limits: YAMLLimits = .manifest, keys: YAMLKeys = .names
    ) throws(Diagnostic) {
        let text = try YAMLEncoding.check(bytes, file: file, limits)
        try TagDirective.refuse(in: text, file: file)
        self.text = text
        self.file = file
        self.limits = limits
        self.keys = keys
        cursor = text.startIndex
        parser = YAMLEventParser(text)
    }

    /// The next document that can be read; `nil` once there is none.
    /// - Parameter report: takes mistakes; it is the caller's to bound their number.
    package mutating func next(_ report: (Diagnostic) -> Void) -> YAMLNode? {
        while !isAtEnd {
            do throws(Failure) {
                switch try event() {
                case .documentStart:
                    documentLine = parser.start.line + firstLine
                    anchors.removeAll(keepingCapacity: true)
                    aliasedValueCount = 0
                    return try value(from: try event(), depth: 0, report)
                case .streamEnd: isAtEnd = true
                default: break  // the end of the document before
                }
            } catch {
                switch error {
                case .syntax(let syntax):
                    report(diagnostic(of: syntax))
                    resume(from: syntax.mark.line + firstLine)
                case .document(let diagnostic):
                    report(diagnostic)
                    resume(from: diagnostic.position.line)
                case .file(let diagnostic):
                    report(diagnostic)
                    isAtEnd = true
                }
            }
        }
        return nil
    }

    private enum Failure: Error {
        case syntax(YAMLSyntaxError)
        /// The rest of this document is not read.
        case document(Diagnostic)
        /// The rest of the file is not read.
        case file(Diagnostic)
    }

    /// As keys of this file are told apart.
    private struct Key: Hashable {
        let text: String
        let kind: YAMLKeys

        static func == (left: Self, right: Self) -> Bool {
            left.text == right.text && (left.kind == .names || left.text.utf8.elementsEqual(right.text.utf8))
        }

        func hash(into hasher: inout Hasher) { hasher.combine(text) }
    }

    // MARK: Values

    private mutating func event() throws(Failure) -> YAMLEvent {
        do throws(YAMLSyntaxError) {
            return try parser.next()
        } catch {
            throw .syntax(error)
        }
    }

    private func position(to end: YAMLMark? = nil) -> SourcePosition {
        let start = parser.start
        let length = end.map { $0.line == start.line ? $0.column - start.column : 0 } ?? 0
        return SourcePosition(file: file, line: start.line + firstLine, column: start.column + 1, length: length)
    }

    private mutating func value(
        from event: YAMLEvent, depth: Int, _ report: (Diagnostic) -> Void
    ) throws(Failure) -> YAMLNode {
        try count(1)
        deepest = max(deepest, depth)
        switch event {
        case .scalar(var scalar, let properties):
            let node: YAMLNode
            let position = position(to: parser.end)
            if let tag = properties?.tag { scalar = tagged(scalar, tag, position, report) }
            node = YAMLNode(position: position, content: .scalar(scalar))
            if let anchor = properties?.anchor { anchors[anchor] = Anchor(node: node, valueCount: 1, height: 0) }
            return node
        case .alias(let name): return try alias(name, depth: depth)
        case .sequenceStart(let properties):
            let position = position()
            checkTag(properties?.tag, "seq", "a list", position, report)
            return try anchored(properties?.anchor, depth: depth) { reader throws(Failure) in
                var items: [YAMLNode] = []
                while true {
                    let event = try reader.event()
                    if case .sequenceEnd = event { break }
                    try reader.checkDepth(depth + 1)
                    items.append(try reader.value(from: event, depth: depth + 1, report))
                }
                return YAMLNode(position: position, content: .sequence(items))
            }
        case .mappingStart(let properties):
            let position = position()
            checkTag(properties?.tag, "map", "a mapping", position, report)
            return try anchored(properties?.anchor, depth: depth) { reader throws(Failure) in
                let entries = try reader.entries(depth: depth + 1, report)
                return YAMLNode(position: entries.first?.keyPosition ?? position, content: .mapping(entries))
            }
        case .documentStart, .documentEnd, .streamEnd, .sequenceEnd, .mappingEnd:
            preconditionFailure("libyaml reports balanced events")
        }
    }

    private mutating func entries(depth: Int, _ report: (Diagnostic) -> Void) throws(Failure) -> [YAMLEntry] {
        var entries: [YAMLEntry] = []
        entries.reserveCapacity(4)
        var names: Set<Key> = []
        while true {
            let event = try event()
            if case .mappingEnd = event { return entries }
            try checkDepth(depth)
            let keyPosition = position(to: parser.end)
            let keyNode = try value(from: event, depth: depth, report)
            let value = try value(from: try self.event(), depth: depth, report)
            guard let key = key(keyNode, keyPosition, report) else { continue }

            // A set pays off only where comparing with each key before would become quadratic.
            let isDuplicate: Bool
            let name = Key(text: key, kind: keys)
            if entries.count < 12 {
                isDuplicate = entries.indices.contains { name == Key(text: entries[$0].key, kind: keys) }
            } else {
                if names.isEmpty { names = Set(entries.map { Key(text: $0.key, kind: keys) }) }
                isDuplicate = !names.insert(name).inserted
            }
            if isDuplicate {
                let first = entries.first { Key(text: $0.key, kind: keys) == name }?.keyPosition.line ?? 0
                report(
                    Diagnostic(
                        .yamlDuplicateKey, at: keyPosition, found: "the key \(Diagnostic.quoted(key)) a second time",
                        expected: "each key once in a mapping", remedy: "remove this one, or the one on line \(first)"))
                continue
            }
            entries.append(YAMLEntry(key: key, keyPosition: keyPosition, value: value))
        }
    }

    private func key(_ node: YAMLNode, _ position: SourcePosition, _ report: (Diagnostic) -> Void) -> String? {
        guard case .scalar(let scalar) = node.content, !scalar.text.isEmpty || keys == .texts && !scalar.isPlain else {
            report(
                Diagnostic(
                    .yamlKey, at: position, found: "\(node.summary) as a key", expected: "a name",
                    remedy: "write the name of a field before the \":\""))
            return nil
        }
        if scalar.isPlain, scalar.text == "<<" {
            report(
                Diagnostic(
                    .yamlKey, at: position, found: "the merge key \"<<\"", expected: "the name of a field",
                    remedy: "write the fields out: merge keys are not part of YAML 1.2"))
            return nil
        }
        return scalar.text
    }

    // MARK: Anchors, tags, limits

    /// Reads a list or mapping, and remembers it under its anchor. Only then: it cannot hold itself.
    private mutating func anchored(
        _ name: String?, depth: Int, _ read: (inout YAMLReader) throws(Failure) -> YAMLNode
    ) throws(Failure) -> YAMLNode {
        guard let name else { return try read(&self) }
        let countBefore = valueCount - 1
        let deepestBefore = deepest
        deepest = depth
        let node = try read(&self)
        anchors[name] = Anchor(node: node, valueCount: valueCount - countBefore, height: deepest - depth)
        deepest = max(deepest, deepestBefore)
        return node
    }

    private mutating func alias(_ name: String, depth: Int) throws(Failure) -> YAMLNode {
        guard let anchor = anchors[name] else {
            throw .document(
                Diagnostic(
                    .yamlAlias, at: position(to: parser.end), found: "the alias *\(name)",
                    expected: "an anchor &\(name) before it, on a value that does not hold the alias itself",
                    remedy: "add the anchor, or put the value in quotation marks"))
        }
        try checkDepth(depth + anchor.height)
        deepest = max(deepest, depth + anchor.height)
        aliasedValueCount += anchor.valueCount
        guard aliasedValueCount <= limits.aliasedValueCount else {
            throw .document(
                Diagnostic(
                    .yamlTooManyValues, at: position(to: parser.end),
                    found: "aliases that repeat more than \(limits.aliasedValueCount) values",
                    expected: "at most \(limits.aliasedValueCount) in a document", remedy: "write the values out"))
        }
        try count(anchor.valueCount - 1)
        return anchor.node
    }

    private mutating func count(_ values: Int) throws(Failure) {
        valueCount += values
        guard valueCount <= limits.valueCount else {
            throw .file(
                Diagnostic(
                    .yamlTooManyValues, at: position(), found: "more than \(limits.valueCount) values",
                    expected: "at most \(limits.valueCount) in a file", remedy: "split the file into several"))
        }
    }

    private func checkDepth(_ depth: Int) throws(Failure) {
        guard depth <= limits.depth else {
            throw .document(
                Diagnostic(
                    .yamlTooDeep, at: position(), found: "lists and mappings nested deeper than \(limits.depth)",
                    expected: "at most \(limits.depth) levels", remedy: "nest less deeply"))
        }
    }

    private static let corePrefix = "tag:yaml.org,2002:"

    /// `!!str` and `!` make a string of any scalar; the other core tags say what a plain one is anyway.
    private func tagged(
        _ scalar: YAMLScalar, _ tag: String, _ position: SourcePosition, _ report: (Diagnostic) -> Void
    ) -> YAMLScalar {
        let fits =
            switch tag.hasPrefix(Self.corePrefix) ? String(tag.dropFirst(Self.corePrefix.count)) : tag {
            case "str", "!": true
            case "null": YAMLScalar(text: scalar.text, isPlain: true).kind == .null
            case "int", "float": YAMLScalar(text: scalar.text, isPlain: true).kind == .number
            case "bool": ["true", "True", "TRUE", "false", "False", "FALSE"].contains(scalar.text)
            default: false
            }
        if !fits { reportTag(tag, "a scalar", position, report) }
        return YAMLScalar(text: scalar.text, isPlain: fits && tag != "!" && tag != Self.corePrefix + "str")
    }

    private func checkTag(
        _ tag: String?, _ expected: String, _ what: String, _ position: SourcePosition, _ report: (Diagnostic) -> Void
    ) {
        guard let tag, tag != "!", tag != Self.corePrefix + expected else { return }
        reportTag(tag, what, position, report)
    }

    private func reportTag(
        _ tag: String, _ what: String, _ position: SourcePosition, _ report: (Diagnostic) -> Void
    ) {
        report(
            Diagnostic(
                .yamlTag, at: position, found: "the tag \(Diagnostic.quoted(tag)) on \(what)",
                expected: "no tag, or one of YAML's core schema that fits the value", remedy: "remove the tag"))
    }

    // MARK: After a mistake

    /// Goes on at the next line that begins a document: the line of the mistake itself, if what was found there is the
    /// beginning of the document after.
    private mutating func resume(from line: Int) {
        anchors.removeAll(keepingCapacity: true)
        brokenDocumentCount += 1
        while cursor < text.endIndex, brokenDocumentCount < limits.brokenDocumentCount {
            let isNext = cursorLine >= line && cursorLine > documentLine && text[cursor...].starts(with: "---".utf8)
            if isNext, cursor + 3 == text.endIndex || [0x20, 0x09, 0x0A, 0x0D].contains(text[cursor + 3]) {
                parser.restart(at: cursor - text.startIndex)
                firstLine = cursorLine
                documentLine = cursorLine
                return
            }
            advanceToNextLine()
        }
        isAtEnd = true
    }

    private mutating func advanceToNextLine() {
        noteConflict()
        while cursor < text.endIndex {
            let byte = text[cursor]
            cursor += 1
            if byte == 0x0A || byte == 0x0D && (cursor == text.endIndex || text[cursor] != 0x0A) {
                cursorLine += 1
                return
            }
        }
    }

    private mutating func noteConflict() {
        if let marker = ConflictMarker(text[cursor...], line: cursorLine) { conflict = marker }
    }

    private mutating func diagnostic(of syntax: YAMLSyntaxError) -> Diagnostic {
        let standing = character(at: syntax.mark)
        noteConflict()
        // What it did to the text is noticed on its own line or one below.
        if let conflict, conflict.line >= max(firstLine, documentLine) { return conflict.diagnostic(in: file) }
        if let standing {
            let position = SourcePosition(
                file: file, line: syntax.mark.line + firstLine, column: syntax.mark.column + 1, length: 1)
            return syntax.diagnostic(at: position, firstLine: firstLine, standing: standing)
        }
        // libyaml puts the end of the text on a line of its own; people see it after the last thing they wrote.
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
        let end = text.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? text.startIndex
        let lineStart = text[..<end].lastIndex { $0 == 0x0A || $0 == 0x0D }.map { $0 + 1 } ?? text.startIndex
        let lineCount = text.lineBreakCount(before: lineStart)
        let column = String(decoding: text[lineStart..<end], as: UTF8.self).unicodeScalars.count + 1
        let position = SourcePosition(file: file, line: lineCount + 1, column: column)
        return syntax.diagnostic(at: position, firstLine: firstLine, standing: nil)
    }

    /// What stands at a mark, `nil` at the end of the text. Moves the cursor to its line.
    private mutating func character(at mark: YAMLMark) -> Unicode.Scalar? {
        while cursorLine < mark.line + firstLine, cursor < text.endIndex { advanceToNextLine() }
        guard cursorLine == mark.line + firstLine else { return nil }
        let lineEnd = text[cursor...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? text.endIndex
        let line = String(decoding: text[cursor..<lineEnd], as: UTF8.self).unicodeScalars
        if let scalar = line.dropFirst(mark.column).first { return scalar }
        return lineEnd == text.endIndex ? nil : "\n"
    }
}
