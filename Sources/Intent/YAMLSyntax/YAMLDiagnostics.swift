package import Diagnostics

extension Diagnostic.Code {
    /// The text is not YAML.
    package static let yamlSyntax = Self("yaml.syntax")
    /// A tab where only spaces may indent.
    package static let yamlTab = Self("yaml.tab")
    /// The file is not UTF-8.
    package static let yamlEncoding = Self("yaml.encoding")
    /// A character that a YAML file cannot hold as it is: NUL and other control characters.
    package static let yamlCharacter = Self("yaml.character")
    /// A file over 4 MiB.
    package static let yamlTooLarge = Self("yaml.too-large")
    /// Lists and mappings nested deeper than 64.
    package static let yamlTooDeep = Self("yaml.too-deep")
    /// More values than a file may hold, or than aliases may repeat.
    package static let yamlTooManyValues = Self("yaml.too-many-values")
    /// A key that its mapping already has.
    package static let yamlDuplicateKey = Self("yaml.duplicate-key")
    /// A key that is not a string, or a merge key.
    package static let yamlKey = Self("yaml.key")
    /// A tag outside YAML's core schema, one that does not fit its value, or a `%TAG` directive.
    package static let yamlTag = Self("yaml.tag")
    /// An alias without its anchor.
    package static let yamlAlias = Self("yaml.alias")
}

extension YAMLSyntaxError {
    /// libyaml's words, in those of style-guide section 6.
    /// - Parameters:
    ///   - firstLine: the line of the file that marks count from.
    ///   - standing: the character at `mark`, `nil` at the end of the text.
    func diagnostic(at position: SourcePosition, firstLine: Int, standing: Unicode.Scalar?) -> Diagnostic {
        if standing == "\t" {
            return Diagnostic(
                .yamlTab, at: position, found: "a tab", expected: "spaces: YAML does not indent with tabs",
                remedy: "replace the tab with spaces")
        }
        let found =
            switch standing {
            case nil: "the end of the file"
            case "\n", "\r": "the end of the line"
            case .some(let scalar): Diagnostic.quoted(String(scalar))
            }
        let opening = contextMark.map { $0.line + firstLine }
        let (expected, remedy) = explanation(openedAt: opening.map { "line \($0)" } ?? "above", standing: standing)
        return Diagnostic(.yamlSyntax, at: position, found: found, expected: expected, remedy: remedy)
    }

    private func explanation(openedAt opening: String, standing: Unicode.Scalar?) -> (expected: String, remedy: String)
    {
        switch problem {
        case "did not find expected key":
            (
                "another key of the mapping that began on \(opening)",
                "indent this line as that mapping's keys are, or put the value before it in quotation marks"
            )
        case "did not find expected '-' indicator":
            ("another \"- \" of the list that began on \(opening)", "indent this line as that list's items are")
        case "mapping values are not allowed in this context":
            (
                "no second \": \" in a line, and no mapping below a value",
                "put the value in quotation marks, or correct the indentation of this line and the one before it"
            )
        case "could not find expected ':'":
            ("\":\" after the key that began on \(opening)", "add the missing \":\", or correct the indentation")
        case "block sequence entries are not allowed in this context":
            ("no list here", "begin the list on a line of its own, or put the value in quotation marks")
        case "did not find expected ',' or ']'":
            ("\",\" or \"]\" in the list that began on \(opening)", Self.flowRemedy)
        case "did not find expected ',' or '}'":
            ("\",\" or \"}\" in the mapping that began on \(opening)", Self.flowRemedy)
        case "found unexpected end of stream", "found unexpected document indicator":
            ("the closing quotation mark of the text that began on \(opening)", "add the closing quotation mark")
        case "found unknown escape character":
            (
                "an escape that YAML knows, such as \\n, \\t, \\\\ or \\\"",
                "write \\\\ for a backslash, or use single quotation marks"
            )
        case "found character that cannot start any token", "did not find expected alphabetic or numeric character":
            ("the beginning of a value", "put the value in quotation marks")
        case "did not find expected <document start>":
            ("\"---\" before the next document", "add a line with \"---\", or correct the indentation")
        case "found incompatible YAML document":
            ("%YAML 1.1 or 1.2", "remove the %YAML line")
        case "did not find expected node content":
            ("a value", "add the value, or put it in quotation marks")
        case "found undefined tag handle":
            ("no tag", "remove the tag, or put the value in quotation marks")
        default:
            ("valid YAML (\(problem))", "correct it, or put the value in quotation marks")
        }
    }

    private static let flowRemedy =
        "add what is missing; a value that holds any of [ ] { } , must stand in quotation marks here"
}
