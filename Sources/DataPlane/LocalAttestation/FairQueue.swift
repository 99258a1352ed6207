/// What waits for one thread, a share for each user: who asks for much waits for himself alone.
struct FairQueue<Element> {
    private var queues: [UInt32: [Element]] = [:]
    /// Whose turn it is next.
    private var turns: [UInt32] = []
    private(set) var count = 0

    /// Of one user.
    static var limitPerUser: Int { 4_096 }
    static var limit: Int { 16_384 }

    /// - Returns: `false` if there is no room.
    mutating func add(_ element: Element, of user: UInt32) -> Bool {
        let waiting = queues[user]?.count ?? 0
        guard count < Self.limit, waiting < Self.limitPerUser else { return false }
        if waiting == 0 { turns.append(user) }
        queues[user, default: []].append(element)
        count += 1
        return true
    }

    /// The one that has waited longest of whom it is the turn of.
    mutating func next() -> Element? {
        guard !turns.isEmpty else { return nil }
        let user = turns.removeFirst()
        let element = queues[user]!.removeFirst()
        count -= 1
        if queues[user]!.isEmpty { queues[user] = nil } else { turns.append(user) }
        return element
    }
}
