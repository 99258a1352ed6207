import ConfigValues
import Diagnostics

/// What the metaschema says, in words of its own.
extension SchemaShape {
    /// Whether a value is what the keyword asks for; what is below in subschemas is theirs to say.
    func check(_ value: ConfigValue, of keyword: SchemaKeyword, _ problems: inout SchemaProblems) {
        switch (self, value.content) {
        case (.anything, _), (.boolean, .boolean), (.list, .list), (.number, .number), (.string, .string),
            (.uri, .string), (.uriReference, .string), (.expression, .string), (.subschema, .map),
            (.subschema, .boolean), (.subschemasByKey, .map), (.subschemasByPattern, .map):
            break
        case (.subschemas, .list(let items)) where !items.isEmpty: break
        case (.positiveNumber, .number(let number)) where number > .integer(0): break
        case (.count, .number(let number)) where number.isWhole && number >= .integer(0): break
        case (.identifier, .string(let text)) where !text.utf8.dropLast().contains(UInt8(ascii: "#")): break
        case (.anchor, .string(let text)) where Self.isAnchor(text): break
        case (.types, .string), (.types, .list): Self.checkTypes(value, of: keyword, &problems)
        case (.strings, .list): Self.checkStrings(value, of: keyword, &problems)
        case (.stringsByKey, .map(let map)):
            for entry in map.entries { Self.checkStrings(entry.value, of: keyword, &problems) }
        case (.vocabularies, .map(let map)):
            for entry in map.entries { Self.boolean.check(entry.value, of: keyword, &problems) }
        case (.dependencies, .map(let map)):
            for entry in map.entries where entry.value.list != nil {
                Self.checkStrings(entry.value, of: keyword, &problems)
            }
        default:
            problems.report(
                .schemaInvalid, value, expected: "\(words) as \(Diagnostic.quoted(keyword.rawValue))",
                remedy: remedy(value, of: keyword))
        }
    }

    private var words: String {
        switch self {
        case .anything: "a value"
        case .boolean: "true or false"
        case .string: "a string"
        case .list: "a list"
        case .uri, .uriReference: "a URI"
        case .identifier: "a URI without a fragment"
        case .anchor: "a name of letters, digits, \"-\", \"_\" and \".\" that begins with a letter or \"_\""
        case .vocabularies: "a map of true and false"
        case .number: "a number"
        case .positiveNumber: "a number above 0"
        case .count: "a whole number from 0 on"
        case .expression: "a regular expression"
        case .strings: "a list of strings, none twice"
        case .stringsByKey: "a map of lists of strings"
        case .types: "the name of a type, or a list of them"
        case .subschema: "a schema: a map, true or false"
        case .subschemas: "a list of schemas, one at least"
        case .subschemasByKey, .subschemasByPattern: "a map of schemas"
        case .dependencies: "a map of schemas and lists of strings"
        }
    }

    private func remedy(_ value: ConfigValue, of keyword: SchemaKeyword) -> String {
        switch (keyword, value.content) {
        case (.items, .list): "name it \"prefixItems\", and what follows it \"items\": so draft 2020-12 has them"
        case (.exclusiveMinimum, .boolean), (.exclusiveMaximum, .boolean): "write the bound itself here"
        case (.required, .boolean): "list the keys that must be there under \"required\" of the map's schema"
        default: "write \(words)"
        }
    }

    private static func isAnchor(_ text: String) -> Bool {
        func isInitial(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "_") }
        guard let first = text.utf8.first, isInitial(first) else { return false }
        return text.utf8.allSatisfy { isInitial($0) || (0x30...0x39).contains($0) || "-.".utf8.contains($0) }
    }

    private static func checkTypes(_ value: ConfigValue, of keyword: SchemaKeyword, _ problems: inout SchemaProblems) {
        guard let items = value.list, !items.isEmpty else { return checkType(value, &problems) }
        for item in items { checkType(item, &problems) }
        checkDistinct(items, &problems)
    }

    private static func checkType(_ value: ConfigValue, _ problems: inout SchemaProblems) {
        if case .string(let name) = value.content {
            guard SchemaTypes(named: name) == nil else { return }
            let nearest = value.origin.isSecret ? nil : NearestName(to: name, among: SchemaTypes.allNames)
            return problems.report(
                .schemaInvalid, value, expected: "the name of a type",
                remedy: nearest?.remedy ?? "write one of \(SchemaTypes.allNames.joined(separator: ", "))")
        }
        problems.report(
            .schemaInvalid, value, expected: "the name of a type",
            remedy: "write one of \(SchemaTypes.allNames.joined(separator: ", ")), or a list of some")
    }

    private static func checkStrings(_ value: ConfigValue, of keyword: SchemaKeyword, _ problems: inout SchemaProblems)
    {
        guard let items = value.list else {
            return problems.report(
                .schemaInvalid, value, expected: "\(strings.words) in \(Diagnostic.quoted(keyword.rawValue))",
                remedy: "write \(strings.words)")
        }
        for item in items {
            if case .string = item.content { continue }
            problems.report(
                .schemaInvalid, item, expected: "a string in \(Diagnostic.quoted(keyword.rawValue))",
                remedy: "put it in quotation marks, or remove it")
        }
        checkDistinct(items, &problems)
    }

    private static func checkDistinct(_ items: [ConfigValue], _ problems: inout SchemaProblems) {
        var seen: Set<ConfigValue> = []
        for item in items where !seen.insert(item).inserted {
            problems.report(
                .schemaInvalid, item, found: "\(item.shown) a second time", expected: "each once",
                remedy: "remove this one")
        }
    }
}
