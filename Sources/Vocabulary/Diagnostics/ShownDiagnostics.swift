/// What is shown of a list of diagnostics, wherever it is: one slip in a file that is made by a program can be tens of
/// thousands of mistakes, and whoever reads them mends the first and looks again.
package struct ShownDiagnostics: Sendable {
    /// Default: 100.
    package static let limit = 100

    /// In the order they were given. Where there are too many, errors are kept before warnings.
    package let shown: [Diagnostic]
    package let errorsLeftOut: Int
    package let warningsLeftOut: Int

    package init(_ diagnostics: [Diagnostic]) {
        guard diagnostics.count > Self.limit else {
            (shown, errorsLeftOut, warningsLeftOut) = (diagnostics, 0, 0)
            return
        }
        let errorCount = diagnostics.count { $0.severity == .error }
        var errorsLeft = min(errorCount, Self.limit)
        var warningsLeft = Self.limit - errorsLeft
        errorsLeftOut = errorCount - errorsLeft
        warningsLeftOut = diagnostics.count - errorCount - warningsLeft
        shown = diagnostics.filter { diagnostic in
            switch diagnostic.severity {
            case .error:
                errorsLeft -= 1
                return errorsLeft >= 0
            case .warning:
                warningsLeft -= 1
                return warningsLeft >= 0
            }
        }
    }

    package var leftOutCount: Int { errorsLeftOut + warningsLeftOut }

    /// `33,232 more errors and 1 more warning are not shown`; `nil` if all are.
    package var rest: String? {
        let parts = [Self.count(errorsLeftOut, "error"), Self.count(warningsLeftOut, "warning")].compactMap(\.self)
        guard !parts.isEmpty else { return nil }
        return parts.joined(separator: " and ") + (leftOutCount == 1 ? " is" : " are") + " not shown"
    }

    /// All that is shown.
    package var json: JSONValue { .array(shown.map(\.json)) }

    private static func count(_ number: Int, _ what: String) -> String? {
        number == 0 ? nil : "\(number) more \(what)\(number == 1 ? "" : "s")"
    }
}
