/// A value of a config, and where it comes from: what JSON can say (RFC 8259), whatever it was written in.
///
/// Two are equal if they say the same; where they come from makes no difference.
package struct ConfigValue: Sendable {
    package enum Content: Sendable {
        case null
        case boolean(Bool)
        case number(ConfigNumber)
        case string(String)
        case list([ConfigValue])
        case map(ConfigMap)
    }

    package var content: Content
    package var origin: ValueOrigin

    package init(_ content: Content, origin: ValueOrigin) {
        self.content = content
        self.origin = origin
    }

    package var map: ConfigMap? {
        if case .map(let map) = content { map } else { nil }
    }

    package var list: [ConfigValue]? {
        if case .list(let list) = content { list } else { nil }
    }

    /// What stands there, as a diagnostic's `found` says it of a type: never the value itself, which may be secret.
    package var typeName: String {
        switch content {
        case .null: "null"
        case .boolean: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .list: "a list"
        case .map: "a map"
        }
    }
}

extension ConfigValue: Hashable {
    package static func == (left: Self, right: Self) -> Bool {
        switch (left.content, right.content) {
        case (.null, .null): true
        case (.boolean(let left), .boolean(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameBytes(as: right)
        case (.list(let left), .list(let right)): left == right
        case (.map(let left), .map(let right)): left == right
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch content {
        case .null: hasher.combine(0)
        case .boolean(let value): hasher.combine(value)
        case .number(let value): hasher.combine(value)
        case .string(let value): value.hashBytes(into: &hasher)
        case .list(let value): hasher.combine(value)
        case .map(let value): hasher.combine(value)
        }
    }
}
