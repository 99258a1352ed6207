import Diagnostics
import YAMLSyntax

/// Makes a value out of a node, or reports why it cannot and returns `nil`.
typealias Reading<Value> = (YAMLNode, inout Problems) -> Value?

/// The fields of one mapping. Whoever decodes asks for each field it knows and then calls `reportUnknownFields`; every
/// mistake is reported where it stands, and reading goes on.
struct FieldReader {
    /// What the mapping is, for messages: `HTTPRoute`, `a rule`.
    private let owner: String
    /// Whether its fields say who may do what. Nobody is then told to take one away: the fewer there are, the more calls
    /// a rule is about.
    private let isOfPolicy: Bool
    let position: SourcePosition
    private let entries: [YAMLEntry]
    private var known: [String] = []
    private var taken = 0

    fileprivate init(owner: String, isOfPolicy: Bool, position: SourcePosition, entries: [YAMLEntry]) {
        self.owner = owner
        self.isOfPolicy = isOfPolicy
        self.position = position
        self.entries = entries
        known.reserveCapacity(16)
    }

    /// The entry as it stands, `nil` if it is not there. A field without a value is a mistake: what was meant cannot be
    /// known, and in a rule "anything" would be the most dangerous guess.
    mutating func entry(_ name: String, _ problems: inout Problems) -> YAMLEntry? {
        known.append(name)
        guard let index = index(of: name) else { return nil }
        taken += 1
        let entry = entries[index]
        if case .scalar(let scalar) = entry.value.content, scalar.kind == .null {
            problems.report(
                .wrongType, at: entry.keyPosition, found: "no value for \(Diagnostic.quoted(name))",
                expected: "a value", remedy: "write down what \(name) is to be, after it or indented below it")
            return nil
        }
        return entry
    }

    var isEmpty: Bool { entries.isEmpty }

    func has(_ name: String) -> Bool { index(of: name) != nil }

    func keyPosition(_ name: String) -> SourcePosition {
        index(of: name).map { entries[$0].keyPosition } ?? position
    }

    /// Looks at keys alone: handing whole entries to a closure would retain and release each on the way.
    private func index(of name: String) -> Int? {
        var index = 0
        while index < entries.count {
            if entries[index].key == name { return index }
            index += 1
        }
        return nil
    }

    /// - Returns: `nil` if the field is not there or wrong; both are reported.
    mutating func required<Value>(_ name: String, _ read: Reading<Value>, _ problems: inout Problems) -> Value? {
        guard let entry = entry(name, &problems) else {
            if !has(name) { reportMissing(name, &problems) }
            return nil
        }
        return read(entry.value, &problems)
    }

    /// - Returns: `nil` if the field is not there, or wrong, which is reported.
    mutating func optional<Value>(_ name: String, _ read: Reading<Value>, _ problems: inout Problems) -> Value? {
        guard let entry = entry(name, &problems) else { return nil }
        return read(entry.value, &problems)
    }

    /// - Returns: The default if the field is not there or wrong.
    mutating func optional<Value>(
        _ name: String, _ read: Reading<Value>, default fallback: Value, _ problems: inout Problems
    ) -> Value {
        optional(name, read, &problems) ?? fallback
    }

    /// The items of a list that can be read; none if the field is not there.
    /// - Parameter emptyMeans: what it would be without an item: `a rule for any source`; where that is given, an empty
    ///   list is refused, because leaving a field out and leaving it empty must not be confused. Nor is leaving it out
    ///   recommended: it is seldom what was meant.
    mutating func list<Value>(
        _ name: String, emptyMeans: String? = nil, _ read: Reading<Value>, _ problems: inout Problems
    ) -> [Value] {
        guard let entry = entry(name, &problems) else { return [] }
        return Self.items(of: entry, emptyMeans: emptyMeans, read, &problems)
    }

    /// As `list`, for a field that must be there with one item at least.
    mutating func requiredList<Value>(_ name: String, _ read: Reading<Value>, _ problems: inout Problems) -> [Value] {
        guard let entry = entry(name, &problems) else {
            if !has(name) { reportMissing(name, &problems) }
            return []
        }
        return Self.items(of: entry, emptyMeans: nil, isRequired: true, read, &problems)
    }

    private static func items<Value>(
        of entry: YAMLEntry, emptyMeans: String?, isRequired: Bool = false, _ read: Reading<Value>,
        _ problems: inout Problems
    ) -> [Value] {
        guard case .sequence(let nodes) = entry.value.content else {
            problems.report(
                .wrongType, entry.value, expected: "a list",
                remedy: "write it as a list: \(entry.key): [\u{2026}], or one item a line, each after \"- \"")
            return []
        }
        if nodes.isEmpty, isRequired || emptyMeans != nil {
            problems.report(
                .invalidValue, at: entry.value.position, found: "an empty list", expected: "one item at least",
                remedy: "add an item" + (emptyMeans.map { ": without any it would be \($0)" } ?? ""))
        }
        var items: [Value] = []
        items.reserveCapacity(nodes.count)
        for node in nodes {
            if let item = read(node, &problems) { items.append(item) }
        }
        return items
    }

    /// A field of the specification that this version does not have: an error if it is there.
    mutating func unavailable(_ name: String, _ problems: inout Problems) {
        known.append(name)
        guard let index = index(of: name) else { return }
        taken += 1
        let entry = entries[index]
        let remedy = isOfPolicy ? "say it with the other fields of \(owner)" : "remove \(name)"
        problems.reportUnavailable("\"\(name)\"", at: entry.keyPosition, remedy: remedy)
    }

    /// A field of another standard that must be told apart from a mistyped one: an error if it is there.
    mutating func refused(_ name: String, expected: String, remedy: String, _ problems: inout Problems) {
        known.append(name)
        guard let index = index(of: name) else { return }
        taken += 1
        let entry = entries[index]
        problems.report(
            .conflictingFields, at: entry.keyPosition, found: Diagnostic.quoted(name), expected: expected,
            remedy: remedy)
    }

    func reportMissing(_ name: String, _ problems: inout Problems, remedy: String? = nil) {
        problems.report(
            .missingField, at: position, found: "\(owner) without \"\(name)\"", expected: "the field \"\(name)\"",
            remedy: remedy ?? "add \(name)")
    }

    /// To be called once every known field was asked for.
    /// - Parameters:
    ///   - part: The field below which others stand that were perhaps meant, and are not to be taken away.
    ///   - tell: Reports a field of which more is known than that it is none; `false`: this is not one.
    func reportUnknownFields(
        _ problems: inout Problems, below part: String? = nil,
        unless tell: (YAMLEntry, inout Problems) -> Bool = { _, _ in false }
    ) {
        guard taken < entries.count else { return }
        for entry in entries where !known.contains(entry.key) {
            if tell(entry, &problems) { continue }
            let remaining = known.filter { name in !has(name) }
            let remedy: String
            if let near = NearestName(to: entry.key, among: remaining) {
                remedy = isOfPolicy || near.note != nil ? near.remedy : "\(near.remedy), or remove it"
            } else if let note = LookAlikes.markNote(in: entry.key) {
                remedy = "write blanks and quotation marks as the keyboard has them: \(note)"
            } else if let part {
                remedy =
                    "if it is of \(part), indent it to stand below that; \(owner) has "
                    + known.sorted().joined(separator: ", ")
            } else if known.isEmpty {
                remedy = "remove it"
            } else {
                let fields = "\(owner) has \(known.sorted().joined(separator: ", "))"
                remedy = isOfPolicy ? "say it with another field: \(fields)" : "remove it; \(fields)"
            }
            problems.report(
                .unknownField, at: entry.keyPosition, found: "the field \(Diagnostic.quoted(entry.key))",
                expected: "a field of \(owner)", remedy: remedy)
        }
    }
}

extension YAMLNode {
    /// - Parameters:
    ///   - owner: what the mapping is, for messages: `HTTPRoute`, `a rule`.
    ///   - isOfPolicy: whether its fields say who may do what.
    /// - Returns: `nil` if the node is no mapping, which is reported.
    func fields(of owner: String, isOfPolicy: Bool = false, _ problems: inout Problems) -> FieldReader? {
        guard case .mapping(let entries) = content else {
            problems.report(
                .wrongType, self, expected: "\(owner), a mapping", remedy: "write its fields as \"name: value\"")
            return nil
        }
        return FieldReader(owner: owner, isOfPolicy: isOfPolicy, position: position, entries: entries)
    }
}

/// Keeps the place of a value for errors that are found later.
func located<Value>(_ read: @escaping Reading<Value>) -> Reading<Located<Value>> {
    { node, problems in read(node, &problems).map { Located($0, at: node.position) } }
}
