package import ConfigValues
import Diagnostics
package import FuzzKit

/// Values that nobody chose: the same seed makes the same ones.
package struct RandomConfig {
    package var random: SplitMix64
    /// Whether strings may have characters that not every format can write.
    package var hasControlCharacters = true

    package init(seed: UInt64) { random = SplitMix64(seed: seed) }

    private static let origin = TextOrigin(layer: "random", file: "random")

    /// - Parameter depth: Of lists and maps below it.
    package mutating func value(depth: Int = 4) -> ConfigValue {
        let content: ConfigValue.Content =
            switch random.next(below: depth > 0 ? 9 : 6) {
            case 0: .null
            case 1: .boolean(random.next(below: 2) == 0)
            case 2: .number(.integer(integer()))
            case 3: .number(ConfigNumber(fraction()))
            case 4, 5: .string(text())
            case 6, 7: .map(map(depth: depth))
            default: .list((0..<random.next(below: 6)).map { _ in value(depth: depth - 1) })
            }
        return Self.origin.value(content, at: .place("random"))
    }

    package mutating func map(depth: Int = 4) -> ConfigMap {
        var map = ConfigMap()
        for _ in 0..<random.next(below: 6) { map[key()] = value(depth: depth - 1) }
        return map
    }

    /// Something near it, as after an edit or a few.
    package mutating func change(_ value: ConfigValue) -> ConfigValue {
        var value = value
        switch value.content {
        case .map(var map) where random.next(below: 4) > 0:
            for entry in map.entries {
                switch random.next(below: 6) {
                case 0: map[entry.key] = nil
                case 1: map[entry.key] = change(entry.value)
                default: break
                }
            }
            if random.next(below: 2) == 0 { map[key()] = self.value(depth: 2) }
            value.content = .map(map)
        case .list(var list) where random.next(below: 4) > 0:
            if !list.isEmpty, random.next(below: 2) == 0 { list.remove(at: random.next(below: list.count)) }
            if random.next(below: 2) == 0 {
                list.insert(self.value(depth: 2), at: random.next(below: list.count + 1))
            }
            if !list.isEmpty {
                let index = random.next(below: list.count)
                list[index] = change(list[index])
            }
            value.content = .list(list)
        default: value = self.value(depth: 2)
        }
        return value
    }

    private mutating func integer() -> Int64 {
        switch random.next(below: 4) {
        case 0: Int64(random.next(below: 20)) - 10
        case 1: [Int64.max, .min, 0, -1, 1 << 53, 1 << 53 + 1][random.next(below: 6)]
        default: Int64(bitPattern: random.next()) >> Int64(random.next(below: 64))
        }
    }

    private mutating func fraction() -> Double {
        switch random.next(below: 3) {
        case 0: Double(random.next(below: 2000)) / 100 - 10
        case 1:
            [1e-7, 1.5e300, .leastNonzeroMagnitude, 1e20, .greatestFiniteMagnitude, -0.0, 0x1p63, 0x1p53][
                random.next(below: 8)]
        default:
            switch Double(bitPattern: random.next()) {
            case let value where value.isFinite: value
            default: 0.5
            }
        }
    }

    private mutating func key() -> String {
        ["a", "b", "host", "0", "1", "", "a/b", "m~n", "a.b", "é", "e\u{301}", "ключ", "\"", "x y"][
            random.next(below: 14)]
    }

    private mutating func text() -> String {
        let plain = [
            "", "text", "yes", "null", "~", "1.10", "0123", "true", "2024-01-01", "a: b", "# no", "- x", "  two ",
            "#{}[]",
            "line\nline\n", "tab\there", "\"quoted\" 'twice'", "back\\slash", "$HOME", "\u{1F9F6} e\u{301}", "\r\n",
            "=", "<<", "\n",
            "\u{85}\u{2028}",
        ]
        let rare = ["\u{0}", "\u{7F}\u{9B}", "\u{1}\u{1F}", "\u{FEFF}", "\u{FFFF}"]
        let all = hasControlCharacters ? plain + rare : plain
        return all[random.next(below: all.count)]
    }
}
