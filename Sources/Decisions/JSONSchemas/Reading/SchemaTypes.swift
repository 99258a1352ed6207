import ConfigValues

/// Some of the types that `type` names.
struct SchemaTypes: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    static let null = Self(rawValue: 1)
    static let boolean = Self(rawValue: 2)
    static let object = Self(rawValue: 4)
    static let array = Self(rawValue: 8)
    /// Whole or not; what is whole is `integer`, too.
    static let number = Self(rawValue: 16)
    static let string = Self(rawValue: 32)
    static let integer = Self(rawValue: 64)

    /// As schemas say it, and as people are told.
    private static let names: [(type: SchemaTypes, name: String, words: String)] = [
        (.object, "object", "a map"), (.array, "array", "a list"), (.string, "string", "a string"),
        (.number, "number", "a number"), (.integer, "integer", "a whole number"),
        (.boolean, "boolean", "a boolean"), (.null, "null", "null"),
    ]

    static let allNames = names.map(\.name)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init?(named name: String) {
        guard let entry = Self.names.first(where: { $0.name.hasSameBytes(as: name) }) else { return nil }
        self = entry.type
    }

    /// All that a value is.
    init(of value: ConfigValue) {
        self =
            switch value.content {
            case .null: .null
            case .boolean: .boolean
            case .number(let number): number.isWhole ? [.number, .integer] : .number
            case .string: .string
            case .list: .array
            case .map: .object
            }
    }

    var words: [String] { Self.names.filter { contains($0.type) }.map(\.words) }
}

extension ConfigNumber {
    var isWhole: Bool {
        switch self {
        case .integer: true
        case .fraction(let value): value.rounded(.towardZero) == value
        }
    }
}
