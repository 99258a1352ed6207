/// What waits for one thread, a share for each user: who asks for much waits for himself alone. All that a user has asked by the time of
/// his turn is taken up together, and goes on by turns until it is over.
struct FairQueue<Element> {
    private struct Share {
        var waiting: [Element] = []
        /// Of those that wait and those that are under way.
        var count = 0
        var isUnderWay = false
    }

    private var shares: [UInt32: Share] = [:]
    /// Whose turn it is next: each user who has something to do stands there once, but for the one whose turn it is.
    private var turns: [UInt32] = []
    private var underWay = 0
    private(set) var count = 0
    private let mostUnderWay: Int

    /// Of one user.
    static var limitPerUser: Int { 16_384 }
    static var limit: Int { 65_536 }

    /// - Parameter mostUnderWay: Users who begin while so many have begun wait for the end of one.
    init(mostUnderWay: Int = .max) { self.mostUnderWay = mostUnderWay }

    /// - Returns: `false` if there is no room.
    mutating func add(_ element: Element, of user: UInt32) -> Bool {
        // Not a copy: what waits would be copied with it.
        let (has, isExpected) = shares[user].map { ($0.count, $0.isUnderWay || !$0.waiting.isEmpty) } ?? (0, false)
        guard count < Self.limit, has < Self.limitPerUser else { return false }
        // One who is under way has his turn anyway.
        if !isExpected { turns.append(user) }
        shares[user, default: Share()].waiting.append(element)
        shares[user]!.count += 1
        count += 1
        return true
    }

    /// Whose turn it is, and what he begins with; empty: he goes on. Ends with `tookTurn`.
    mutating func next() -> (user: UInt32, begins: [Element])? {
        let index = turns.firstIndex { underWay < mostUnderWay || shares[$0]!.isUnderWay }
        guard let index else { return nil }
        let user = turns.remove(at: index)
        guard !shares[user]!.isUnderWay else { return (user, []) }
        let begins = shares[user]!.waiting
        shares[user]!.waiting = []
        shares[user]!.isUnderWay = true
        underWay += 1
        return (user, begins)
    }

    /// - Parameters:
    ///   - answered: What is over of what he had begun with.
    ///   - isOver: All of it is.
    mutating func tookTurn(_ user: UInt32, answered: Int, isOver: Bool) {
        count -= answered
        shares[user]!.count -= answered
        if isOver {
            underWay -= 1
            shares[user]!.isUnderWay = false
            guard !shares[user]!.waiting.isEmpty else {
                shares[user] = nil
                return
            }
        }
        turns.append(user)
    }
}
