/// The way to a value from the root of a config: keys of maps, and indices of lists in decimal digits.
package struct ConfigPath: Sendable, Hashable {
    package var keys: [String]

    package init(_ keys: [String] = []) { self.keys = keys }

    package static let root = ConfigPath()

    package var isRoot: Bool { keys.isEmpty }

    package func appending(_ key: String) -> ConfigPath { ConfigPath(keys + [key]) }

    package static func == (left: Self, right: Self) -> Bool {
        left.keys.elementsEqual(right.keys) { $0.hasSameBytes(as: $1) }
    }

    package func hash(into hasher: inout Hasher) {
        for key in keys { key.hashBytes(into: &hasher) }
    }
}

extension ConfigValue {
    /// What stands there.
    /// - Returns: `nil`: nothing does. An index of a list is `0` or begins with another digit than 0 (RFC 6901 § 4).
    package subscript(path: ConfigPath) -> ConfigValue? {
        var value = self
        for key in path.keys {
            switch value.content {
            case .map(let map):
                guard let next = map[key] else { return nil }
                value = next
            case .list(let list):
                guard let index = ConfigPath.index(key), index < list.count else { return nil }
                value = list[index]
            default: return nil
            }
        }
        return value
    }
}

extension ConfigPath {
    /// An index of a list as a key says it (RFC 6901 § 4).
    package static func index(_ key: String) -> Int? {
        let digits = key.utf8
        guard (1...9).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }),
            digits.count == 1 || digits.first != 48
        else { return nil }
        return Int(key)
    }
}
