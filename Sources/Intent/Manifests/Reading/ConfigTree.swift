import ConfigFormats
import ConfigValues
import Diagnostics
import YAMLSyntax

/// Values of a config that stand in a manifest.
struct ConfigTree {
    /// As of `ValueOrigin`.
    let layer: String
    /// No diagnostic shows one of them, or the line that it stands in.
    var isSecret = false
    /// As of `ValueOrigin`.
    var isLiteral = false

    /// A map, whatever is in it.
    func map(_ node: YAMLNode, _ problems: inout Problems) -> ConfigValue? {
        guard case .mapping = node.content else {
            report(
                Diagnostic(
                    .wrongType, at: node.position, found: isSecret ? "another value" : node.summary,
                    expected: "a mapping", remedy: "write it as \"key: value\""), &problems)
            return nil
        }
        let origin = TextOrigin(layer: layer, file: node.position.file, isSecret: isSecret, isLiteral: isLiteral)
        return YAMLTree(origin: origin).value(of: node) { report($0, &problems) }
    }

    private func report(_ mistake: Diagnostic, _ problems: inout Problems) {
        problems.report(isSecret ? mistake.withoutLine : mistake)
    }
}
