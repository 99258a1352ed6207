import ConfigFormats
import ConfigValues
import Diagnostics
import YAMLSyntax

extension Scalar {
    /// A path from the root of a config to a value in it, dotted: `database.host`. Not the root.
    static func configPath(_ node: YAMLNode, _ problems: inout Problems) -> ConfigPath? {
        guard let text = text(node, &problems) else { return nil }
        do throws(ConfigPathError) {
            let path = try ConfigPath(dotted: text)
            if !path.isRoot { return path }
            problems.report(
                .invalidValue, node, expected: "the path of a value below the root, such as \"database.host\"",
                remedy: "name the keys that lead to it, with a \".\" between two")
        } catch {
            problems.report(
                .invalidValue, at: node.position, found: "\(error.found) in \(Diagnostic.quoted(text))",
                expected: error.expected, remedy: error.remedy)
        }
        return nil
    }

    /// A resource as `name`, or as `namespace/name`.
    /// - Parameter namespace: where `name` alone is looked for.
    static func resourceName(
        _ node: YAMLNode, namespace: String, _ problems: inout Problems
    ) -> ResourceName? {
        guard let text = text(node, &problems) else { return nil }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy(\.isDNSLabel) else {
            let mended = text.lowercased().replacing("_", with: "-")
            let mendedParts = mended.split(separator: "/", omittingEmptySubsequences: false)
            let isName = mendedParts.count <= 2 && mendedParts.allSatisfy(\.isDNSLabel)
            problems.report(
                .invalidValue, node,
                expected: "\"name\" or \"namespace/name\", each in lower-case letters, digits and \"-\"",
                remedy: LookAlikes(in: text)?.remedy
                    ?? (isName ? "change it to \"\(mended)\"" : "write it as its metadata has it"))
            return nil
        }
        return ResourceName(namespace: parts.count > 1 ? String(parts[0]) : namespace, name: String(parts.last!))
    }
}

extension ConfigFormat {
    /// A field that says what a document is written in, and need not be there where the document's name says it.
    /// - Parameters:
    ///   - path: of the document; `nil`: it was not to be read, which is reported.
    ///   - field: that the path stands in.
    /// - Returns: `nil` if neither says it, which is reported.
    static func optional(
        _ name: String, in fields: inout FieldReader, of path: String?, called field: String,
        _ problems: inout Problems
    ) -> ConfigFormat? {
        let format = fields.optional(name, Scalar.choice(of: ConfigFormat.self), &problems)
        if fields.has(name) { return format }
        guard let path else { return nil }
        if let format = ConfigFormat(fileName: path) { return format }
        fields.reportMissing(
            name, &problems, remedy: "add \(name): the end of \(field) does not say what it is written in")
        return nil
    }
}
