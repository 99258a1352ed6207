/// What a service manager is yet to be told. However much it misses, it hears at last how things are.
struct NoticeQueue {
    /// Messages that wait. What comes beyond them takes the place of the oldest.
    static let limit = 16

    private var messages: [[ServiceManager.Notice]] = []

    var isEmpty: Bool { messages.isEmpty }

    /// Puts a message behind all others. Of statuses the last alone is told, and one sign of life waits, not several.
    mutating func add(_ message: [ServiceManager.Notice]) {
        if message.contains(where: \.isStatus) { removeStatus() }
        let message = message.filter { $0 != .alive || !waits(.alive) }
        guard !message.isEmpty else { return }
        if messages.count == Self.limit { messages.removeFirst() }
        messages.append(message)
    }

    /// - Returns: The oldest, which waits no more.
    mutating func take() -> [ServiceManager.Notice]? { messages.isEmpty ? nil : messages.removeFirst() }

    /// Puts what was taken, and could not be told, before all others, but for what is out of date by now.
    mutating func putBack(_ message: [ServiceManager.Notice]) {
        let hasStatus = messages.joined().contains(where: \.isStatus)
        let message = message.filter { !($0.isStatus && hasStatus) && !($0 == .alive && waits(.alive)) }
        guard !message.isEmpty, messages.count < Self.limit else { return }
        messages.insert(message, at: 0)
    }

    private func waits(_ notice: ServiceManager.Notice) -> Bool { messages.joined().contains(notice) }

    private mutating func removeStatus() {
        messages = messages.map { $0.filter { !$0.isStatus } }.filter { !$0.isEmpty }
    }
}

extension ServiceManager.Notice {
    fileprivate var isStatus: Bool {
        if case .status = self { true } else { false }
    }
}
