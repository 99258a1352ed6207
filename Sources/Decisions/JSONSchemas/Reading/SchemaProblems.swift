import ConfigValues
import Diagnostics

/// What is wrong with a schema: so many errors and so many warnings at most.
struct SchemaProblems {
    private let limit: Int
    private(set) var diagnostics: [Diagnostic] = []
    private(set) var errorCount = 0
    private var warningCount = 0

    init(limit: Int) { self.limit = limit }

    var isEmpty: Bool { errorCount == 0 }

    mutating func add(_ diagnostic: Diagnostic) {
        switch diagnostic.severity {
        case .error:
            errorCount += 1
            if errorCount <= limit { diagnostics.append(diagnostic) }
        case .warning:
            warningCount += 1
            if warningCount <= limit { diagnostics.append(diagnostic) }
        }
    }

    /// - Parameter found: What the value is, unless said.
    mutating func report(
        _ code: Diagnostic.Code, _ value: ConfigValue, found: String? = nil,
        expected: String, remedy: String
    ) {
        add(
            Diagnostic(
                code, at: value.origin.position, found: found ?? value.shown, expected: expected,
                remedy: remedy))
    }
}
