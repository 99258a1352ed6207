package import Diagnostics

/// Why a text is no path.
package struct ConfigPathError: Error, Hashable {
    /// Of what is wrong, in Unicode scalars from the beginning of the text.
    package let offset: Int
    package let found: String
    package let expected: String
    package let remedy: String

    package func diagnostic(_ code: Diagnostic.Code, at position: SourcePosition) -> Diagnostic {
        Diagnostic(code, at: position, found: found, expected: expected, remedy: remedy)
    }
}

/// As manifests and commands have them: `database.host`, `servers.0.port`. A key of anything but letters of ASCII, digits, `_` and
/// `-` stands in double quotation marks, in which a backslash comes before a quotation mark or a backslash. The root is `.`.
extension ConfigPath {
    package var dotted: String { isRoot ? "." : keys.map(Self.dottedKey).joined(separator: ".") }

    private static func dottedKey(_ key: String) -> String {
        if !key.isEmpty, key.unicodeScalars.allSatisfy(isPlain) { return key }
        var text = String.UnicodeScalarView("\"".unicodeScalars)
        for scalar in key.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { text.append("\\") }
            text.append(scalar)
        }
        return String(text) + "\""
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
    }

    package init(dotted text: String) throws(ConfigPathError) {
        keys = []
        guard text != "." else { return }
        let scalars = Array(text.unicodeScalars)
        var rest = scalars[...]
        while true {
            keys.append(try Self.key(from: &rest))
            guard let dot = rest.popFirst() else { return }
            guard dot == "." else {
                throw ConfigPathError(
                    offset: rest.startIndex - 1, found: Diagnostic.quoted(String(dot)),
                    expected: "\".\" between two keys",
                    remedy: "put the whole key in double quotation marks")
            }
        }
    }

    private static func key(from rest: inout ArraySlice<Unicode.Scalar>) throws(ConfigPathError) -> String {
        let start = rest.startIndex
        if rest.first == "\"" { return try quotedKey(from: &rest) }
        let key = rest.prefix(while: isPlain)
        rest = rest[key.endIndex...]
        guard !key.isEmpty else {
            let isEnd = rest.first == nil || rest.first == "."
            throw ConfigPathError(
                offset: start, found: rest.first.map { Diagnostic.quoted(String($0)) } ?? "the end of the path",
                expected: "a key",
                remedy: isEnd
                    ? "write the key, or remove the \".\" too many; an empty key is \"\""
                    : "put the key in double quotation marks")
        }
        return string(key)
    }

    private static func quotedKey(from rest: inout ArraySlice<Unicode.Scalar>) throws(ConfigPathError) -> String {
        let start = rest.startIndex
        rest.removeFirst()
        var key: [Unicode.Scalar] = []
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"": return string(key)
            case "\\":
                guard let escaped = rest.popFirst(), escaped == "\"" || escaped == "\\" else {
                    throw ConfigPathError(
                        offset: rest.startIndex - 1, found: "a backslash that escapes nothing",
                        expected: "\\\" or \\\\",
                        remedy: "write \\\\ for a backslash")
                }
                key.append(escaped)
            default: key.append(scalar)
            }
        }
        throw ConfigPathError(
            offset: start, found: "the end of the path", expected: "the key's closing quotation mark",
            remedy: "add the closing quotation mark")
    }

    private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }
}
