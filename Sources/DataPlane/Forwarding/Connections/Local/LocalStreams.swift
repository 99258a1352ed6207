import ServiceContracts

/// The calls of one worker that Heddle answers for itself: told when rules change, and when the node stops.
final class LocalStreams {
    let rules: RulesInForce
    private(set) var isStopping = false
    private var streams: [LocalServiceStream] = []

    init(rules: RulesInForce) { self.rules = rules }

    var count: Int { streams.count }

    func add(_ stream: LocalServiceStream) {
        stream.index = streams.count
        streams.append(stream)
    }

    func remove(_ stream: LocalServiceStream) {
        let index = stream.index
        guard index >= 0 else { return }
        stream.index = -1
        let last = streams.removeLast()
        guard last !== stream else { return }
        streams[index] = last
        last.index = index
    }

    func rulesChanged() { for stream in streams { stream.rulesChanged() } }

    func stop() {
        isStopping = true
        for stream in streams { stream.stop() }
    }
}
