import CallOutcomes

/// How far a call has come between its two sides, and what each is yet to be told.
struct CallRelayState: Sendable {
    /// Where either side is held back, and where it goes on: as between all streams.
    static let highWatermark = 64 * 1024
    static let lowWatermark = 16 * 1024

    /// Of the answer, as the service makes it.
    enum Course: Sendable {
        case awaited, begun
        /// All of it is there, or there is none; the caller's side may not have it yet.
        case ended
        /// The caller's side has left.
        case over

        var isOver: Bool { if case .over = self { true } else { false } }
        var isEnded: Bool {
            switch self {
            case .awaited, .begun: false
            case .ended, .over: true
            }
        }
    }

    /// What the service is to be told. Said several times, it is told once.
    struct News: OptionSet {
        let rawValue: UInt8
        static let begins = News(rawValue: 1)
        static let requestEnds = News(rawValue: 2)
        static let takesMore = News(rawValue: 4)
        static let rulesChange = News(rawValue: 8)
        static let wakes = News(rawValue: 16)
        static let nodeStops = News(rawValue: 32)
        static let callerGoes = News(rawValue: 64)
    }

    /// What is let go of once the lock is free: it may come back to the call.
    struct Dropped: Sendable {
        var session: (any LocalSession)?
        var tell: (@Sendable () -> Void)?
        var outputs: [Queued] = []
    }

    struct Queued: Sendable {
        let output: LocalOutput
        let asked: AskedRules
    }

    var course = Course.awaited
    var dropped = Dropped()

    // To the service.
    private var news: News
    private(set) var body: [UInt8] = []
    var isBodyHeld = false
    private(set) var bytesGiven: UInt64 = 0
    private var session: (any LocalSession)?
    /// It has its place among those that wait for a thread, or has one.
    private var hasTurn = true
    /// The caller's side waits for room, and then has it.
    var owesRoom = false
    var hasRoom = false

    // To the caller.
    private var tell: (@Sendable () -> Void)?
    private var isToTell = false
    var isTold = false
    private var outputs: [Queued] = []
    private var nextOutput = 0
    /// Of the next one, passed on already.
    private var passedByteCount = 0
    private var outputByteCount = 0
    private var owesMore = false

    var isOpenEnded = false
    /// By what it was judged, as far as its service was not told that it is no longer so.
    var asked = AskedRules.none

    init(tell: @escaping @Sendable () -> Void, isRequestEnded: Bool) {
        self.tell = tell
        news = isRequestEnded ? [.begins, .requestEnds] : .begins
    }

    // MARK: To the service

    mutating func add(_ new: News) { if !course.isEnded { news.insert(new) } }

    mutating func received(_ bytes: [UInt8]) {
        guard !course.isEnded else { return }
        if body.isEmpty { body = bytes } else { body += bytes }
    }

    /// What may be told now. The end of a request follows the last of it.
    private var toTell: News {
        isBodyHeld && !body.isEmpty ? news.subtracting(.requestEnds) : news
    }

    private var hasNews: Bool {
        if news.contains(.callerGoes) { return true }
        return !course.isEnded && (!toTell.isEmpty || !isBodyHeld && !body.isEmpty)
    }

    /// - Returns: Whether it is to wait for a thread now.
    mutating func takeTurn() -> Bool {
        guard !hasTurn, hasNews else { return false }
        hasTurn = true
        return true
    }

    mutating func takeNews() -> (News, body: [UInt8], session: (any LocalSession)?) {
        let told = toTell
        news.subtract(told)
        var taken: [UInt8] = []
        if !isBodyHeld, !body.isEmpty {
            swap(&taken, &body)
            bytesGiven += UInt64(taken.count)
            if owesRoom {
                owesRoom = false
                hasRoom = true
                isToTell = true
            }
        }
        return (told, taken, session)
    }

    /// - Parameter session: The call's; `nil`: it never began.
    mutating func endRun(keeping session: (any LocalSession)?) {
        hasTurn = false
        // One that is over is told so, if it was not, and has nothing to do after that.
        let isNeeded = !course.isEnded || news.contains(.callerGoes)
        if !isNeeded { dropped.session = self.session ?? session }
        self.session = isNeeded ? session : nil
    }

    // MARK: To the caller

    mutating func put(_ output: LocalOutput, _ asked: AskedRules) {
        if case .body(let bytes) = output { outputByteCount += bytes.count }
        outputs.append(Queued(output: output, asked: asked))
        isToTell = true
    }

    /// - Returns: What is to be called now, if it was not called since the other side has looked.
    mutating func takeTelling() -> (@Sendable () -> Void)? {
        guard isToTell else { return nil }
        isToTell = false
        guard !isTold else { return nil }
        isTold = true
        return tell
    }

    mutating func checkFull() -> Bool {
        guard outputByteCount >= Self.highWatermark else { return false }
        owesMore = true
        return true
    }

    mutating func next(limit: Int, _ rules: ResourceRules) -> LocalOutput? {
        guard nextOutput < outputs.count else { return nil }
        let queued = outputs[nextOutput]
        guard queued.asked.hold(in: rules) else { return .outdated }
        guard case .body(let bytes) = queued.output else {
            removeFirst()
            return queued.output
        }
        let count = min(limit, bytes.count - passedByteCount)
        outputByteCount -= count
        if owesMore, outputByteCount <= Self.lowWatermark {
            owesMore = false
            add(.takesMore)
        }
        guard count < bytes.count else {
            removeFirst()
            return queued.output
        }
        let piece = Array(bytes[passedByteCount..<passedByteCount + count])
        passedByteCount += count
        if passedByteCount == bytes.count { removeFirst() }
        return .body(piece)
    }

    private mutating func removeFirst() {
        nextOutput += 1
        passedByteCount = 0
        // Nothing is kept of what was passed on, nor moved each time.
        if nextOutput == outputs.count {
            outputs.removeAll()
            nextOutput = 0
        } else if nextOutput >= 32 {
            outputs.removeFirst(nextOutput)
            nextOutput = 0
        }
    }

    // MARK: Ends

    /// The service has said all.
    mutating func end() {
        course = .ended
        news = []
        body = []
        forget()
    }

    mutating func fail(_ reason: FailureReason) -> LocalSending {
        guard !course.isEnded else { return .over }
        put(.failure(reason), .none)
        end()
        return .over
    }

    mutating func leave() {
        let wasEnded = course.isEnded
        course = .over
        body = []
        dropped.outputs = outputs
        dropped.tell = tell
        tell = nil
        outputs = []
        nextOutput = 0
        isToTell = false
        if wasEnded { forget() } else { news.insert(.callerGoes) }
    }

    /// Its service has no threads any more, and is told nothing.
    mutating func giveUpSession() -> (any LocalSession)? {
        defer { session = nil }
        return session
    }

    /// A service that is being told something keeps its session until it was.
    private mutating func forget() {
        guard !hasTurn else { return }
        dropped.session = session
        session = nil
    }
}
