import ConfigValues
import Diagnostics
import Manifests
package import ServiceContracts

/// Variables that Heddle was started with. They are read once: nobody can change them from outside.
package final class EnvironmentBackend: ConfigSourceBackend {
    private let news: ConfigSourceNews

    /// - Parameter variables: `NAME=value`, as bytes.
    init(_ environment: EnvironmentSource, _ source: SourceLabel, variables: [[UInt8]]) {
        let tree = TextTree(
            source: source, isInferred: environment.types == .infer, noun: "a variable",
            position: .place("variables \(environment.prefix)*"))
        news = tree.news(variables.compactMap { Self.leaf($0, environment) })
    }

    package func start(_ tell: @escaping @Sendable (ConfigSourceNews) -> Void) { tell(news) }
    package func stop() {}

    private static func leaf(_ variable: [UInt8], _ environment: EnvironmentSource) -> TextTree.Leaf? {
        let name = String(decoding: variable.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
        guard name.utf8.count < variable.count, name.hasPrefix(environment.prefix), name != environment.prefix else {
            return nil
        }
        let counting = environment.isStripped ? name.dropFirst(environment.prefix.count) : name[...]
        let path = VariableName.path(counting, separator: environment.separator)
        return path.isEmpty
            ? nil
            : TextTree.Leaf(
                path: path, text: Array(variable.dropFirst(name.utf8.count + 1)), position: .place("variable \(name)"))
    }
}

/// What a variable's name says of where its value belongs.
enum VariableName {
    /// Keys in lower case: `DATABASE_HOST` is `database`, `host`. Separators at either end, and two in a row, divide nothing.
    static func path(_ name: some StringProtocol, separator: String) -> [String] {
        var keys: [String] = []
        var key = ""
        var rest = Array(name.utf8)[...]
        let separator = Array(separator.utf8)
        while !rest.isEmpty {
            if rest.starts(with: separator), !key.isEmpty {
                keys.append(key)
                key = ""
                rest = rest.dropFirst(separator.count)
            } else if rest.starts(with: separator) {
                rest = rest.dropFirst(separator.count)
            } else {
                key += String(decoding: [rest.removeFirst()], as: UTF8.self).lowercased()
            }
        }
        return key.isEmpty ? keys : keys + [key]
    }
}
