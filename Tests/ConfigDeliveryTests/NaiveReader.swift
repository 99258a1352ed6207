import ConfigChecks
import ConfigFormats
import ConfigMerging
import ConfigValues

/// What one reader may be told of a config at one moment, made up of nothing but what single calls are told: each leaf is judged
/// alone, and what is told of anything larger is put together from leaves.
struct NaiveReader {
    enum Answer {
        case value(ConfigValue)
        case absent, forbidden
    }

    private let config: NaiveConfig
    private let value: ConfigValue
    private let allows: (ConfigPath) -> Bool
    /// Leaves that may be read, with lists among them if all of their items may be.
    private(set) var leaves: [ConfigPath: ConfigValue] = [:]

    init?(_ config: NaiveConfig, _ allows: @escaping (ConfigPath) -> Bool) {
        guard let value = config.value else { return nil }
        (self.config, self.value, self.allows) = (config, value, allows)
        collect(value, .root)
    }

    /// - Returns: Whether all of it may be read.
    @discardableResult
    private mutating func collect(_ value: ConfigValue, _ path: ConfigPath) -> Bool {
        if let map = value.map, !map.isEmpty {
            return map.entries.map { collect($0.value, path.appending($0.key)) }.allSatisfy(\.self)
        }
        let items = (value.list ?? []).enumerated().map { collect($1, path.appending(String($0))) }
        guard items.allSatisfy(\.self), config.paths(behind: path).allSatisfy(mayRead) else { return false }
        leaves[path] = value
        return true
    }

    /// Whether single calls are let in to all that is there, or to the path if nothing is.
    private func mayRead(_ path: ConfigPath) -> Bool {
        guard let value = value[path] else { return allows(path) }
        if let map = value.map, !map.isEmpty { return map.entries.allSatisfy { mayRead(path.appending($0.key)) } }
        return allows(path) && (value.list ?? []).indices.allSatisfy { mayRead(path.appending(String($0))) }
    }

    func answer(at path: ConfigPath) -> Answer {
        if let shown = shown(path) { return .value(shown) }
        // What a single call for nothing is told, whatever is there.
        guard allows(path) else { return .forbidden }
        return path.isRoot ? .value(ConfigValue(.map(ConfigMap()), origin: value.origin)) : .absent
    }

    private func shown(_ path: ConfigPath) -> ConfigValue? {
        if let leaf = leaves[path] { return leaf }
        guard let here = value[path], let map = here.map else { return nil }
        var seen = ConfigMap()
        for entry in map.entries { seen[entry.key] = shown(path.appending(entry.key)) }
        return seen.isEmpty ? nil : ConfigValue(.map(seen), origin: here.origin)
    }
}

/// RFC 6902 by its words, for the operations that a reader may get.
enum NaivePatch {
    struct Unfit: Error {}

    static func apply(_ patch: ConfigValue, to document: ConfigValue) throws -> ConfigValue {
        guard let operations = patch.list else { throw Unfit() }
        return try operations.reduce(document) { document, operation in
            guard let pointer = text(operation.map?["path"]), let name = text(operation.map?["op"]) else {
                throw Unfit()
            }
            let keys: [String] = pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
                String($0).replacing("~1", with: "/").replacing("~0", with: "~")
            }
            return try change(document, keys[...], name, operation.map?["value"])
        }
    }

    private static func text(_ value: ConfigValue?) -> String? {
        if case .string(let text)? = value?.content { text } else { nil }
    }

    private static func change(
        _ value: ConfigValue, _ keys: ArraySlice<String>, _ name: String, _ new: ConfigValue?
    ) throws -> ConfigValue {
        guard let key = keys.first else {
            guard let new, name != "remove" else { throw Unfit() }
            return new
        }
        let isLast = keys.count == 1
        if var map = value.map {
            if isLast, name == "add" {
                map[key] = new
            } else {
                guard let old = map[key] else { throw Unfit() }
                map[key] = isLast && name == "remove" ? nil : try change(old, keys.dropFirst(), name, new)
            }
            return ConfigValue(.map(map), origin: value.origin)
        }
        guard var items = value.list, let index = Int(key), index <= items.count else { throw Unfit() }
        if isLast, name == "add", let new {
            items.insert(new, at: index)
        } else {
            guard index < items.count else { throw Unfit() }
            if isLast, name == "remove" {
                items.remove(at: index)
            } else {
                items[index] = try change(items[index], keys.dropFirst(), name, new)
            }
        }
        return ConfigValue(.list(items), origin: value.origin)
    }
}
