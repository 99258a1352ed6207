/// One mistake, or one thing worth a second look, in what a person wrote: where it is, what was found, what was
/// expected, and how to mend it.
package struct Diagnostic: Error, Hashable, Sendable {
    /// Stable name of the kind of mistake, such as `manifest.unknown-backend`; each is listed in
    /// `docs/reference/diagnostics.md`. Modules add theirs in extensions.
    package struct Code: Hashable, Sendable, RawRepresentable {
        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }
        package init(_ rawValue: String) { self.rawValue = rawValue }
    }

    package enum Severity: String, Hashable, Sendable {
        /// The set is refused; or, where the host is at fault and not the set, what it stands in the way of is held back.
        case error
        /// The set is taken up.
        case warning
    }

    package let code: Code
    package let severity: Severity
    package let position: SourcePosition
    /// What stands there, ready to print: `"paymets"`, `a list`, `nothing`.
    package let found: String
    /// What would have been right, ready to print: `a Service in namespace "shop"`.
    package let expected: String
    /// What to do, as an instruction: `change it to "payments", or add a Service named "paymets"`.
    package let remedy: String
    /// The line that it stands in holds what nobody is to be shown.
    package let isLineSecret: Bool

    package init(
        _ code: Code, _ severity: Severity = .error, at position: SourcePosition,
        found: String, expected: String, remedy: String, isLineSecret: Bool = false
    ) {
        self.code = code
        self.severity = severity
        self.position = position
        self.found = found
        self.expected = expected
        self.remedy = remedy
        self.isLineSecret = isLineSecret
    }

    /// The same, of a line that holds what nobody is to be shown.
    package var withoutLine: Diagnostic {
        Diagnostic(
            code, severity, at: position, found: found, expected: expected, remedy: remedy, isLineSecret: true)
    }
}

extension Diagnostic: CustomStringConvertible {
    /// One line: `mesh/shop.yaml:14:17: error[manifest.unknown-backend]: found "paymets", expected …`.
    package var description: String {
        "\(position): \(severity.rawValue)[\(code.rawValue)]: found \(found.printable), expected \(expected.printable)"
    }
}
