import CommonValues
import ConfigMerging
import ConfigValues
import Diagnostics
import Reconciliation

/// One file of a history: digits of the revision, times, and the recipe, each text that many values share (a file, a layer) once.
extension PastConfig {
    private static let magic = "HEDDLE-CONFIG-1\n"

    /// - Parameter limit: In bytes.
    /// - Returns: `nil`: that is more.
    func encoded(limit: Int) -> [UInt8]? {
        var writer = RecipeWriter(magic: Self.magic, limit: limit)
        writer.append(heading)
        writer.append(recipe)
        return writer.finished()
    }

    /// - Returns: `nil`: a single bit is not as it was written.
    init?(decoding bytes: [UInt8]) {
        guard var reader = RecipeReader(bytes, magic: Self.magic), let heading = reader.heading(),
            let recipe = reader.recipe(), reader.isAtEnd
        else { return nil }
        self.init(heading, recipe)
    }

    /// As `init(decoding:)`, without the recipe.
    static func heading(decoding bytes: [UInt8]) -> PastHeading? {
        guard var reader = RecipeReader(bytes, magic: magic) else { return nil }
        return reader.heading()
    }
}

/// What a value is, so that a byte says it.
private enum ValueTag: UInt8 {
    case null, no, yes, integer, fraction, string, list, map

    static let mask: UInt8 = 0x0f
    static let secret: UInt8 = 0x10
    static let literal: UInt8 = 0x20
}

private struct RecipeWriter {
    private var encoder: StateEncoder
    private let limit: Int
    private var names: [[UInt8]: UInt64] = [:]
    private var lastName: (text: String, number: UInt64)?

    init(magic: String, limit: Int) {
        encoder = StateEncoder(magic: magic, capacity: 4_096)
        self.limit = limit
    }

    private var isTooLarge: Bool { encoder.byteCount > limit }

    /// - Returns: `nil`: it is larger than it may be.
    consuming func finished() -> [UInt8]? { isTooLarge ? nil : encoder.finished() }

    mutating func append(_ heading: PastHeading) {
        encoder.append(heading.revision)
        for time in [heading.firstAt, heading.lastAt] { encoder.append(UInt64(bitPattern: time.microseconds)) }
        encoder.append(heading.changeCount.map { UInt64($0) + 1 } ?? 0)
    }

    private mutating func append(count: Int) { encoder.append(UInt64(clamping: count), byteCount: 4) }

    /// A text that comes again and again: in full the first time, then by its number.
    private mutating func append(name: String) {
        if let lastName, lastName.text.hasSameBytes(as: name) {
            return encoder.append(lastName.number, byteCount: 4)
        }
        let bytes = Array(name.utf8)
        let known = names[bytes]
        let number = known ?? UInt64(names.count)
        encoder.append(number, byteCount: 4)
        if known == nil {
            names[bytes] = number
            encoder.append(name)
        }
        lastName = (name, number)
    }

    mutating func append(_ recipe: ConfigRecipe) {
        append(layer: recipe.defaults)
        append(count: recipe.layers.count)
        for layer in recipe.layers { append(layer: layer) }
        append(count: recipe.mergeKeys.rules.count)
        for rule in recipe.mergeKeys.rules {
            append(rule.path)
            encoder.append(rule.key)
        }
        append(count: recipe.fallbacks.count)
        for fallback in recipe.fallbacks {
            append(fallback.path)
            append(count: fallback.from.count)
            for path in fallback.from { append(path) }
            append(fallback.position)
        }
    }

    private mutating func append(layer: ConfigLayer?) {
        encoder.append(layer == nil ? 0 : 1, byteCount: 1)
        guard let layer else { return }
        append(name: layer.name)
        encoder.append(layer.tree == nil ? 0 : 1, byteCount: 1)
        if let tree = layer.tree { append(tree) }
    }

    private mutating func append(_ path: ConfigPath) {
        append(count: path.keys.count)
        for key in path.keys { encoder.append(key) }
    }

    private mutating func append(_ position: SourcePosition) {
        append(name: position.file)
        for number in [position.line, position.column, position.length] { append(count: number) }
    }

    private mutating func append(_ value: ConfigValue) {
        guard !isTooLarge else { return }
        let tag: ValueTag =
            switch value.content {
            case .null: .null
            case .boolean(let isTrue): isTrue ? .yes : .no
            case .number(.integer): .integer
            case .number(.fraction): .fraction
            case .string: .string
            case .list: .list
            case .map: .map
            }
        let marks =
            (value.origin.isSecret ? ValueTag.secret : 0) | (value.origin.isLiteral ? ValueTag.literal : 0)
        encoder.append(UInt64(tag.rawValue | marks), byteCount: 1)
        append(name: value.origin.layer)
        append(value.origin.position)
        switch value.content {
        case .null, .boolean: break
        case .number(.integer(let number)): encoder.append(UInt64(bitPattern: number))
        case .number(.fraction(let number)): encoder.append(number.bitPattern)
        case .string(let text): encoder.append(text)
        case .list(let items):
            append(count: items.count)
            for item in items { append(item) }
        case .map(let map):
            append(count: map.count)
            for entry in map.entries {
                encoder.append(entry.key)
                encoder.append(entry.keyPosition == nil ? 0 : 1, byteCount: 1)
                if let position = entry.keyPosition { append(position) }
                append(entry.value)
            }
        }
    }
}

/// Everything is `nil` where the bytes say something else than what was written.
private struct RecipeReader {
    private var decoder: StateDecoder
    private var names: [String] = []

    /// What is read calls itself for each level: no layer has as many.
    private static let deepest = 512

    init?(_ bytes: [UInt8], magic: String) {
        guard let decoder = StateDecoder(bytes, magic: magic) else { return nil }
        self.decoder = decoder
    }

    var isAtEnd: Bool { decoder.isAtEnd }

    mutating func heading() -> PastHeading? {
        guard let revision = decoder.text(), let firstAt = time(), let lastAt = time(), let changes = decoder.integer()
        else { return nil }
        return PastHeading(
            revision: revision, firstAt: firstAt, lastAt: lastAt,
            changeCount: changes == 0 ? nil : Int(clamping: changes - 1))
    }

    private mutating func time() -> UnixTime? {
        decoder.integer().map { UnixTime(microseconds: Int64(bitPattern: $0)) }
    }

    private mutating func count() -> Int? { decoder.count(byteCount: 4) }

    private mutating func flag() -> Bool? {
        switch decoder.integer(byteCount: 1) {
        case 0: false
        case 1: true
        default: nil
        }
    }

    private mutating func name() -> String? {
        guard let number = decoder.integer(byteCount: 4).map({ Int($0) }) else { return nil }
        if number < names.count { return names[number] }
        guard number == names.count, let name = decoder.text() else { return nil }
        names.append(name)
        return name
    }

    private mutating func items<Item>(_ item: (inout Self) -> Item?) -> [Item]? {
        guard let count = count() else { return nil }
        var items: [Item] = []
        for _ in 0..<count {
            guard let item = item(&self) else { return nil }
            items.append(item)
        }
        return items
    }

    mutating func recipe() -> ConfigRecipe? {
        guard let defaults = layer(), let layers = items({ $0.layer() }),
            let rules = items({ $0.rule() }), let fallbacks = items({ $0.fallback() })
        else { return nil }
        let present = layers.compactMap(\.self)
        guard present.count == layers.count else { return nil }
        return ConfigRecipe(layers: present, defaults: defaults, mergeKeys: MergeKeys(rules), fallbacks: fallbacks)
    }

    /// - Returns: `.some(nil)`: there is none.
    private mutating func layer() -> ConfigLayer?? {
        guard let isThere = flag() else { return nil }
        guard isThere else { return .some(nil) }
        guard let name = name(), let hasTree = flag() else { return nil }
        guard hasTree else { return ConfigLayer(name: name, tree: nil) }
        guard let tree = value(depth: 0) else { return nil }
        return ConfigLayer(name: name, tree: tree)
    }

    private mutating func rule() -> MergeKeys.Rule? {
        guard let path = path(), let key = decoder.text() else { return nil }
        return MergeKeys.Rule(path: path, key: key)
    }

    private mutating func fallback() -> ConfigFallback? {
        guard let path = path(), let from = items({ $0.path() }), let position = position() else { return nil }
        return ConfigFallback(path: path, from: from, position: position)
    }

    private mutating func path() -> ConfigPath? { items { $0.decoder.text() }.map { ConfigPath($0) } }

    private mutating func position() -> SourcePosition? {
        guard let file = name(), let line = decoder.integer(byteCount: 4), let column = decoder.integer(byteCount: 4),
            let length = decoder.integer(byteCount: 4)
        else { return nil }
        return SourcePosition(file: file, line: Int(line), column: Int(column), length: Int(length))
    }

    private mutating func value(depth: Int) -> ConfigValue? {
        guard depth < Self.deepest, let byte = decoder.integer(byteCount: 1).map({ UInt8(truncatingIfNeeded: $0) }),
            byte & ~(ValueTag.mask | ValueTag.secret | ValueTag.literal) == 0,
            let tag = ValueTag(rawValue: byte & ValueTag.mask), let layer = name(), let position = position(),
            let content = content(tag, depth: depth)
        else { return nil }
        return ConfigValue(
            content,
            origin: ValueOrigin(
                layer: layer, position: position, isSecret: byte & ValueTag.secret != 0,
                isLiteral: byte & ValueTag.literal != 0))
    }

    private mutating func content(_ tag: ValueTag, depth: Int) -> ConfigValue.Content? {
        switch tag {
        case .null: return .null
        case .no: return .boolean(false)
        case .yes: return .boolean(true)
        case .integer: return decoder.integer().map { .number(.integer(Int64(bitPattern: $0))) }
        case .fraction:
            guard let number = decoder.integer().map({ Double(bitPattern: $0) }), number.isFinite else { return nil }
            return .number(.fraction(number))
        case .string: return decoder.text().map { .string($0) }
        case .list: return items { $0.value(depth: depth + 1) }.map { .list($0) }
        case .map: return items { $0.entry(depth: depth + 1) }.flatMap { ConfigMap($0) }.map { .map($0) }
        }
    }

    private mutating func entry(depth: Int) -> ConfigMap.Entry? {
        guard let key = decoder.text(), let hasPosition = flag() else { return nil }
        var keyPosition: SourcePosition?
        if hasPosition {
            guard let position = position() else { return nil }
            keyPosition = position
        }
        return value(depth: depth).map { ConfigMap.Entry(key, $0, keyPosition: keyPosition) }
    }
}
