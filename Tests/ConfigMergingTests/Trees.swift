import ConfigMerging
import ConfigValues
import Diagnostics
import Testing
import YAMLSyntax

/// Layers of YAML, named after files: `base.yaml:2:7` is where a value stands.
enum Trees {
    /// All that a tree says, as what it is: without references.
    static func literal(_ value: ConfigValue) -> ConfigValue {
        let origin = ValueOrigin(
            layer: value.origin.layer, position: value.origin.position, isSecret: value.origin.isSecret, isLiteral: true
        )
        return switch value.content {
        case .list(let items): ConfigValue(.list(items.map(literal)), origin: origin)
        case .map(let map):
            ConfigValue(
                .map(ConfigMap(inOrder: map.entries.map { ConfigMap.Entry($0.key, literal($0.value)) })), origin: origin
            )
        default: ConfigValue(value.content, origin: origin)
        }
    }

    static func value(_ yaml: String, layer: String, isSecret: Bool = false) throws -> ConfigValue {
        var reader = try YAMLReader(Array(yaml.utf8), file: "\(layer).yaml")
        var problems: [Diagnostic] = []
        let node = try #require(reader.next { problems.append($0) }, "\(problems)")
        return try value(node, layer, isSecret)
    }

    static func layer(_ name: String, _ yaml: String, isSecret: Bool = false) throws -> ConfigLayer {
        ConfigLayer(name: name, tree: try value(yaml, layer: name, isSecret: isSecret))
    }

    private static func value(_ node: YAMLNode, _ layer: String, _ isSecret: Bool) throws -> ConfigValue {
        let content: ConfigValue.Content
        switch node.content {
        case .sequence(let items): content = .list(try items.map { try value($0, layer, isSecret) })
        case .mapping(let entries):
            let entries = try entries.map { ConfigMap.Entry($0.key, try value($0.value, layer, isSecret)) }
            content = .map(try #require(ConfigMap(entries)))
        case .scalar(let scalar):
            switch scalar.kind {
            case .null: content = .null
            case .boolean(let value): content = .boolean(value)
            case .number: content = .number(try #require(number(scalar.text)))
            case .string: content = .string(scalar.text)
            }
        }
        return ConfigValue(content, origin: ValueOrigin(layer: layer, position: node.position, isSecret: isSecret))
    }

    private static func number(_ text: String) -> ConfigNumber? {
        Int64(text).map(ConfigNumber.integer) ?? Double(text).map { ConfigNumber($0) }
    }
}

extension ConfigValue {
    var text: String { String(decoding: json(), as: UTF8.self) }

    var string: String? {
        if case .string(let text) = content { text } else { nil }
    }
}

/// A config in a few words: its layers from the lowest to the highest.
struct Sample {
    var recipe = ConfigRecipe(layers: [])

    init(_ layers: KeyValuePairs<String, String>, secret: Set<String> = [], defaults: String? = nil) throws {
        for (name, yaml) in layers {
            recipe.layers.append(try Trees.layer(name, yaml, isSecret: secret.contains(name)))
        }
        recipe.defaults = try defaults.map { try Trees.layer("defaults", $0) }
    }

    func merging(_ path: String, by key: String) throws -> Sample {
        var sample = self
        let rule = MergeKeys.Rule(path: try ConfigPath(dotted: path), key: key)
        sample.recipe.mergeKeys = MergeKeys(recipe.mergeKeys.rules + [rule])
        return sample
    }

    func falling(_ path: String, to from: String...) throws -> Sample {
        var sample = self
        let line = recipe.fallbacks.count + 1
        sample.recipe.fallbacks.append(
            ConfigFallback(
                path: try ConfigPath(dotted: path), from: try from.map { try ConfigPath(dotted: $0) },
                position: SourcePosition(file: "config.yaml", line: line, column: 1)))
        return sample
    }

    func limited(_ change: (inout MergingLimits) -> Void) -> Sample {
        var sample = self
        change(&sample.recipe.limits)
        return sample
    }

    func evaluated() throws -> EvaluatedConfig { try EvaluatedConfig(recipe) }

    /// As JSON.
    var value: String { get throws { try evaluated().value.text } }

    /// What it is refused for.
    var diagnostics: [Diagnostic] {
        do throws(ConfigRefusal) {
            _ = try EvaluatedConfig(recipe)
            return []
        } catch {
            return error.diagnostics
        }
    }

    /// `override.yaml:1:4: error[…]: found …, expected …`, a line each.
    var refusal: [String] { diagnostics.map(\.description) }

    /// `override.yaml:1:4: config.type-clash`, a line each.
    var mistakes: [String] { diagnostics.map { "\($0.position): \($0.code.rawValue)" } }

    func explained(_ path: String) throws -> [String] {
        try evaluated().explanation(of: try ConfigPath(dotted: path)).steps.map(\.text)
    }
}

extension ConfigExplanation.Step {
    /// `path: where it is from <- what it overrode`.
    var text: String {
        let from =
            switch source {
            case .nothing: "nothing"
            case .layers(let given): given.map(\.text).joined(separator: " + ")
            case .fallback(let rule, let from): "fallback at \(rule.position) from \(from.dotted)"
            case .reference(let origin, let place, let target):
                "reference in \(place.dotted) at \(origin.position) to \(target.dotted)"
            case .text(let origin, let targets):
                "text at \(origin.position) with \(targets.map(\.dotted).joined(separator: ", "))"
            }
        return "\(path.dotted): \(from)" + overridden.map { " <- \($0.text)" }.joined()
    }
}

extension LayerStatement {
    fileprivate var text: String {
        switch kind {
        case .value(let value): "\(value.redacted.text) \(origin.position)"
        case .removal: "null in \(path.dotted) \(origin.position)"
        case .replacement: "another value in \(path.dotted) \(origin.position)"
        }
    }
}
