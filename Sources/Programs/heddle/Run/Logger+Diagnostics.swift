import Diagnostics
import Logging

extension Logger {
    /// A record for each, with all there is to say of it but the lines of its file, which `heddle check` shows.
    func tell(_ diagnostics: [Diagnostic]) {
        let shown = ShownDiagnostics(diagnostics)
        for diagnostic in shown.shown { tell(diagnostic) }
        if let rest = shown.rest { log(level: shown.errorsLeftOut > 0 ? .error : .warning, "\(rest)") }
    }

    func tell(_ diagnostic: Diagnostic) {
        log(
            level: diagnostic.severity == .error ? .error : .warning,
            "\(diagnostic); \(diagnostic.remedy.printable)")
    }
}
