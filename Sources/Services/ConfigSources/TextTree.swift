import ConfigFormats
import ConfigValues
import Diagnostics
import ServiceContracts
import YAMLSyntax

/// A tree of many small texts, each with a path of its own: variables, files of a folder, keys of etcd.
struct TextTree {
    struct Leaf {
        let path: [String]
        let text: [UInt8]
        let position: SourcePosition
    }

    let source: SourceLabel
    /// Numbers, truth values and null are read as YAML would read them; otherwise all is text.
    let isInferred: Bool
    /// Words for a leaf, and for where it may stand: `a variable`.
    let noun: String
    /// Of the source itself.
    let position: SourcePosition

    /// - Returns: One tree of all of them. Errors: a leaf that is no text, and one that another lies below.
    func news(_ leaves: [Leaf], version: String? = nil) -> ConfigSourceNews {
        var problems: [Diagnostic] = []
        var root = Branch(position: position)
        for leaf in leaves {
            guard let value = value(of: leaf, &problems) else { continue }
            root.add(leaf.path[...], value, noun, &problems)
        }
        guard problems.isEmpty else { return .failure(problems) }
        return .tree(ConfigSourceTree(root.value(source), version: version))
    }

    private func value(of leaf: Leaf, _ problems: inout [Diagnostic]) -> ConfigValue? {
        guard let text = String(validating: leaf.text, as: UTF8.self), !leaf.text.contains(0) else {
            problems.append(
                Diagnostic(
                    .formatEncoding, at: leaf.position, found: "bytes that are no text",
                    expected: "UTF-8 without zeros",
                    remedy: "keep it in another place, as Base64 in this one, or remove it"))
            return nil
        }
        let origin = ValueOrigin(
            layer: source.layer, position: leaf.position, isSecret: source.isSecret, isLiteral: source.isLiteral)
        guard isInferred, YAMLScalar(text: text, isPlain: true).kind != .string else {
            return ConfigValue(.string(text), origin: origin)
        }
        do throws(InvalidText) {
            let value = try ConfigFormat.yaml.read(leaf.text, of: source.origin(leaf.position.description))
            return ConfigValue(value.content, origin: origin)
        } catch {
            problems += error.diagnostics
            return nil
        }
    }

    /// Maps on their way.
    private struct Branch {
        let position: SourcePosition
        var leaves: [String: ConfigValue] = [:]
        var branches: [String: Branch] = [:]

        mutating func add(
            _ path: ArraySlice<String>, _ value: ConfigValue, _ noun: String, _ problems: inout [Diagnostic]
        ) {
            let (key, rest) = (path.first ?? "", path.dropFirst())
            if rest.isEmpty {
                if let other = branches[key] {
                    return problems.append(.clash(value.origin.position, other.position, noun))
                }
                if let other = leaves.updateValue(value, forKey: key) {
                    problems.append(.clash(value.origin.position, other.origin.position, noun))
                }
            } else if let other = leaves[key] {
                problems.append(.clash(other.origin.position, value.origin.position, noun))
            } else {
                branches[key, default: Branch(position: value.origin.position)].add(rest, value, noun, &problems)
            }
        }

        func value(_ source: SourceLabel) -> ConfigValue {
            var entries = leaves.map { ConfigMap.Entry($0, $1) }
            entries += branches.map { ConfigMap.Entry($0, $1.value(source)) }
            return ConfigValue(
                .map(ConfigMap(entries) ?? ConfigMap()),
                origin: ValueOrigin(
                    layer: source.layer, position: position, isSecret: source.isSecret, isLiteral: source.isLiteral))
        }
    }
}

extension Diagnostic {
    fileprivate static func clash(_ one: SourcePosition, _ other: SourcePosition, _ noun: String) -> Diagnostic {
        Diagnostic(
            .sourceClash, at: one, found: "\(noun) whose key is that of \(other), or above it",
            expected: "one value a key, and none where other keys lie below", remedy: "remove or rename one of the two")
    }
}
