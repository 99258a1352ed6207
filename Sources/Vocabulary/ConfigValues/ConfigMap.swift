package import Diagnostics

/// Keys and values, in the order of the keys' bytes, no key twice. The order they were written in says nothing.
package struct ConfigMap: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        package let key: String
        package var value: ConfigValue
        /// Where the key stands in the text that the value is from; `nil`: in none. It makes no difference to what is said.
        package let keyPosition: SourcePosition?

        package init(_ key: String, _ value: ConfigValue, keyPosition: SourcePosition? = nil) {
            self.key = key
            self.value = value
            self.keyPosition = keyPosition
        }

        package static func == (left: Self, right: Self) -> Bool {
            left.key.hasSameBytes(as: right.key) && left.value == right.value
        }

        package func hash(into hasher: inout Hasher) {
            key.hashBytes(into: &hasher)
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
        var isTwice = false
        self.init(entries) { _, _ in isTwice = true }
        if isTwice { return nil }
    }

    /// Of those of one key the first stays.
    /// - Parameters:
    ///   - entries: As they were written.
    ///   - report: Is told of each other, with the one that stays.
    package init(_ entries: [Entry], duplicates report: (_ first: Entry, _ second: Entry) -> Void) {
        guard !Self.areInOrder(entries) else {
            self.entries = entries
            return
        }
        // By place where keys are the same: that a sort keeps their order is promised nowhere.
        let order = entries.indices.sorted { left, right in
            switch Self.comparison(entries[left].key, entries[right].key) {
            case ..<0: true
            case 0: left < right
            default: false
            }
        }
        self.entries = []
        self.entries.reserveCapacity(entries.count)
        for index in order {
            if let last = self.entries.last, last.key.hasSameBytes(as: entries[index].key) {
                report(last, entries[index])
            } else {
                self.entries.append(entries[index])
            }
        }
    }

    private static func areInOrder(_ entries: [Entry]) -> Bool {
        for index in entries.indices.dropFirst() where comparison(entries[index - 1].key, entries[index].key) >= 0 {
            return false
        }
        return true
    }

    package var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }

    package subscript(key: String) -> ConfigValue? {
        get { index(of: key).map { entries[$0].value } }
        set {
            let index = firstIndex(notBefore: key)
            let isThere = index < entries.count && entries[index].key.hasSameBytes(as: key)
            switch (newValue, isThere) {
            case (let value?, true): entries[index] = Entry(key, value)
            case (let value?, false): entries.insert(Entry(key, value), at: index)
            case (nil, true): entries.remove(at: index)
            case (nil, false): break
            }
        }
    }

    package func entry(_ key: String) -> Entry? { index(of: key).map { entries[$0] } }

    /// Puts it in the place of what has its key.
    package mutating func put(_ entry: Entry) {
        let index = firstIndex(notBefore: entry.key)
        if index < entries.count && entries[index].key.hasSameBytes(as: entry.key) {
            entries[index] = entry
        } else {
            entries.insert(entry, at: index)
        }
    }

    /// In its place: its key stays.
    package mutating func change<Result>(at index: Int, _ change: (inout ConfigValue) -> Result) -> Result {
        change(&entries[index].value)
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
    package static func isOrdered(_ left: String, _ right: String) -> Bool { comparison(left, right) < 0 }

    /// - Returns: Below 0 if the left one stands before the right one, 0 if they have the same bytes.
    private static func comparison(_ left: String, _ right: String) -> Int {
        let (left, right) = (left.utf8Span.span, right.utf8Span.span)
        for index in 0..<min(left.count, right.count) where left[index] != right[index] {
            return Int(left[index]) - Int(right[index])
        }
        return left.count - right.count
    }
}

extension String {
    /// Two texts are one here only if their bytes are; to Swift those that look alike are equal, too.
    package func hasSameBytes(as other: String) -> Bool {
        guard utf8.count == other.utf8.count, self == other else { return false }
        // Nothing looks like a text of ASCII but itself.
        return utf8Span.isKnownASCII || utf8.elementsEqual(other.utf8)
    }

    /// Goes with `hasSameBytes`: Swift's own hash is the same for all that look alike, of which one can write any number.
    package func hashBytes(into hasher: inout Hasher) {
        let bytes = utf8Span.span
        var word: UInt64 = 0
        for index in bytes.indices {
            word = word << 8 | UInt64(bytes[index])
            if index & 7 == 7 { hasher.combine(word) }
        }
        hasher.combine(word)
        hasher.combine(bytes.count)
    }
}
