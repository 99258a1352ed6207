/// Keys and values, in the order of the keys' bytes, no key twice. The order they were written in says nothing.
package struct ConfigMap: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        package let key: String
        package var value: ConfigValue

        package init(_ key: String, _ value: ConfigValue) {
            self.key = key
            self.value = value
        }

        package static func == (left: Self, right: Self) -> Bool {
            left.key.hasSameBytes(as: right.key) && left.value == right.value
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(key)
            hasher.combine(value)
        }
    }

    package private(set) var entries: [Entry]

    package init() { entries = [] }

    /// - Parameter entries: In order already, no key twice.
    package init(inOrder entries: [Entry]) {
        assert(zip(entries, entries.dropFirst()).allSatisfy { Self.isOrdered($0.key, $1.key) })
        self.entries = entries
    }

    /// - Parameter entries: In any order.
    /// - Returns: `nil`: a key stands twice.
    package init?(_ entries: [Entry]) {
        let entries = entries.sorted { Self.isOrdered($0.key, $1.key) }
        guard zip(entries, entries.dropFirst()).allSatisfy({ !$0.key.hasSameBytes(as: $1.key) }) else { return nil }
        self.entries = entries
    }

    package var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }

    package subscript(key: String) -> ConfigValue? {
        get { index(of: key).map { entries[$0].value } }
        set {
            let index = firstIndex(notBefore: key)
            let isThere = index < entries.count && entries[index].key.hasSameBytes(as: key)
            switch (newValue, isThere) {
            case (let value?, true): entries[index].value = value
            case (let value?, false): entries.insert(Entry(key, value), at: index)
            case (nil, true): entries.remove(at: index)
            case (nil, false): break
            }
        }
    }

    package func index(of key: String) -> Int? {
        let index = firstIndex(notBefore: key)
        return index < entries.count && entries[index].key.hasSameBytes(as: key) ? index : nil
    }

    private func firstIndex(notBefore key: String) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if Self.isOrdered(entries[middle].key, key) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// By bytes of UTF-8, so that no table of Unicode decides where a key stands or which ones are equal.
    package static func isOrdered(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

extension String {
    /// Two texts are one here only if their bytes are; to Swift those that look alike are equal, too.
    package func hasSameBytes(as other: String) -> Bool { self == other && utf8.elementsEqual(other.utf8) }
}
