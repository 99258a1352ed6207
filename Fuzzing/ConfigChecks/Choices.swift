/// Bytes as decisions, one after the other: whoever changes a byte changes one of them.
struct Choices {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    /// - Returns: 0 once there are no more.
    mutating func next(below bound: Int) -> Int { rest.popFirst().map { Int($0) % bound } ?? 0 }

    mutating func pick<Item>(_ items: [Item]) -> Item { items[next(below: items.count)] }

    mutating func happens(in one: Int) -> Bool { next(below: one) == one - 1 }
}
