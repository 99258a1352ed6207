/// A number of a config: a whole one of 64 bits, or the nearest fraction of 64 bits (IEEE 754). What neither can hold is no number
/// here, and an error where it is read: NaN, infinities, whole numbers beyond 64 bits, fractions that overflow.
///
/// `1` and `1.0` are equal, as JSON Schema has it (2020-12 core, § 4.2.2).
package enum ConfigNumber: Sendable {
    case integer(Int64)
    /// Finite.
    case fraction(Double)

    /// - Returns: A whole one if the value is whole and fits, so that equal numbers are one case.
    package init(_ value: Double) {
        precondition(value.isFinite)
        if let whole = Int64(exactly: value) { self = .integer(whole) } else { self = .fraction(value) }
    }

    package var double: Double {
        switch self {
        case .integer(let value): Double(value)
        case .fraction(let value): value
        }
    }
}

extension ConfigNumber: Hashable, Comparable {
    /// Exact: no whole number is rounded for it.
    package static func < (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): left < right
        case (.integer(let left), .fraction(let right)): left < right
        case (.fraction(let left), .integer(let right)): left < right
        case (.fraction(let left), .fraction(let right)): left < right
        }
    }

    package static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): left == right
        case (.fraction(let left), .fraction(let right)): left == right
        case (.integer(let whole), .fraction(let other)), (.fraction(let other), .integer(let whole)):
            Int64(exactly: other) == whole
        }
    }

    package func hash(into hasher: inout Hasher) {
        if case .fraction(let value) = self, Int64(exactly: value) == nil { return hasher.combine(value) }
        hasher.combine(Int64(exactly: double) ?? 0)
    }
}

/// Exact, though one side is whole and the other is not.
private func < (left: Int64, right: Double) -> Bool {
    // 2^63 and beyond, and what is below -2^63, no whole number reaches.
    if right >= 0x1p63 { return true }
    if right < -0x1p63 { return false }
    let floor = right.rounded(.down)
    let whole = Int64(floor)
    return floor == right ? left < whole : left <= whole
}

private func < (left: Double, right: Int64) -> Bool {
    if left >= 0x1p63 { return false }
    if left < -0x1p63 { return true }
    return Int64(left.rounded(.down)) < right
}
