/// A set of characters, which are Unicode scalars. Those of ASCII are bits; the others are ranges and general categories, or
/// all but these.
package struct ScalarSet: Hashable, Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0
    /// Beyond ASCII; in order, and apart from each other.
    private var ranges: [ClosedRange<UInt32>] = []
    private var categories = CategorySet()
    private var isInvertedBeyondASCII = false

    init() {}

    init(_ scalar: Unicode.Scalar) { insert(scalar.value...scalar.value) }

    init(_ categories: CategorySet) {
        for value in UInt8(0)..<128 where categories.contains(CategorySet(of: Unicode.Scalar(value))) {
            insert(UInt32(value)...UInt32(value))
        }
        self.categories = categories
    }

    package func contains(ascii byte: UInt8) -> Bool {
        byte < 64 ? low >> UInt64(byte) & 1 == 1 : byte < 128 && high >> UInt64(byte - 64) & 1 == 1
    }

    /// Whether it has any character beyond ASCII.
    var isWide: Bool { isInvertedBeyondASCII || !ranges.isEmpty || !categories.isEmpty }

    /// - Parameter category: The scalar's.
    func contains(_ scalar: Unicode.Scalar, in category: CategorySet) -> Bool {
        if scalar.isASCII { return contains(ascii: UInt8(scalar.value)) }
        let isListed = categories.contains(category) || isInRange(scalar.value)
        return isListed != isInvertedBeyondASCII
    }

    private func isInRange(_ value: UInt32) -> Bool {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < value { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(value)
    }

    mutating func insert(_ range: ClosedRange<UInt32>) {
        var value = range.lowerBound
        while value < 128, value <= range.upperBound {
            if value < 64 { low |= 1 << UInt64(value) } else { high |= 1 << UInt64(value - 64) }
            value += 1
        }
        guard range.upperBound >= 128 else { return }
        ranges.append(max(128, range.lowerBound)...range.upperBound)
        normalize()
    }

    /// - Parameter other: None that is inverted with categories beside its ranges: `inverted` of a bracket is no part of another.
    mutating func formUnion(_ other: ScalarSet) {
        precondition(!isInvertedBeyondASCII && !other.isInvertedBeyondASCII)
        low |= other.low
        high |= other.high
        ranges += other.ranges
        categories.formUnion(other.categories)
        normalize()
    }

    private mutating func normalize() {
        var merged: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound + 1 {
                merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        ranges = merged
    }

    var inverted: ScalarSet {
        var set = self
        set.low = ~low
        set.high = ~high
        if categories.isEmpty, !isInvertedBeyondASCII {
            // Ranges stay ranges, so that the set can be a part of another.
            var next: UInt32 = 128
            set.ranges = []
            for range in ranges {
                if next < range.lowerBound { set.ranges.append(next...(range.lowerBound - 1)) }
                next = range.upperBound + 1
            }
            if next <= 0x10FFFF { set.ranges.append(next...0x10FFFF) }
        } else if ranges.isEmpty, !isInvertedBeyondASCII {
            set.categories = categories.inverted
        } else {
            set.isInvertedBeyondASCII.toggle()
        }
        return set
    }

    /// Without what is beyond ASCII.
    var onlyASCII: ScalarSet {
        var set = ScalarSet()
        (set.low, set.high) = (low, high)
        return set
    }
}

extension ScalarSet {
    static let digits = ScalarSet([0x30...0x39])
    /// Letters, digits and `_`, of ASCII.
    static let wordCharacters = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    /// As ECMA-262 § 12.2 and 12.3 have it.
    static let whiteSpace = ScalarSet([
        0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029, 0x202F...0x202F,
        0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    /// What `.` does not match.
    static let lineTerminators = ScalarSet([0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029])

    private init(_ ranges: [ClosedRange<UInt32>]) {
        for range in ranges { insert(range) }
    }
}
