/// When a program is told of a change, and started anew: decides, from what happens and the time alone.
///
/// What it is told after its end, or asks for twice, changes nothing.
package struct ProgramCourse<Start: Equatable> {
    /// What a change means to the program.
    package enum Reaction: Equatable, Sendable {
        case restart
        case signal(CInt)
    }

    package enum Action: Equatable {
        /// To the program alone.
        case signal(CInt)
        /// SIGTERM, to the program alone: it is to be started anew.
        case stop
        /// SIGKILL, to the program: it has not ended in time.
        case kill
        /// SIGKILL, to what the program has left; `cleared` follows.
        case clear
        /// `started` follows.
        case start(Start)
        /// Nothing is left to do.
        case end(ProgramEnd)
    }

    private enum State {
        case starting
        case running
        /// It is to end, so that it can be started anew.
        case stopping(killAt: ContinuousClock.Instant)
        case killed
        case clearing
        case over
    }

    private let reaction: Reaction
    private let interval: Duration
    private let grace: Duration
    private var state = State.starting
    /// What the program has, or was told of.
    private var current: Start
    private var newest: Start
    /// When it was started last, or told.
    private var lastTurn: ContinuousClock.Instant
    /// Somebody wants the end of it: it is not started again.
    private var isToEnd = false

    /// - Parameters:
    ///   - start: What it is started with first: `started` follows.
    ///   - interval: From one start, or signal, to the next at least. Default: 5 s.
    ///   - grace: From SIGTERM to SIGKILL. Default: 10 s.
    package init(
        _ start: Start, reaction: Reaction, interval: Duration = .seconds(5), grace: Duration = .seconds(10),
        at now: ContinuousClock.Instant
    ) {
        self.reaction = reaction
        self.interval = interval
        self.grace = grace
        (current, newest, lastTurn) = (start, start, now)
    }

    /// When `timePassed` is due; `nil`: never.
    package var deadline: ContinuousClock.Instant? {
        switch state {
        case .running: isDue ? lastTurn + interval : nil
        case .stopping(let killAt): killAt
        case .starting, .killed, .clearing, .over: nil
        }
    }

    private var isDue: Bool { newest != current && !isToEnd }

    package mutating func started(at now: ContinuousClock.Instant) -> Action? {
        guard case .starting = state else { return nil }
        state = .running
        lastTurn = now
        return nil
    }

    /// What it would be started with now.
    package mutating func changed(to start: Start, at now: ContinuousClock.Instant) -> Action? {
        newest = start
        return timePassed(now)
    }

    package mutating func timePassed(_ now: ContinuousClock.Instant) -> Action? {
        switch state {
        case .running:
            guard isDue, now >= lastTurn + interval else { return nil }
            switch reaction {
            case .restart:
                state = .stopping(killAt: now + grace)
                return .stop
            case .signal(let number):
                (current, lastTurn) = (newest, now)
                return .signal(number)
            }
        case .stopping(let killAt):
            guard now >= killAt else { return nil }
            state = .killed
            return .kill
        case .starting, .killed, .clearing, .over: return nil
        }
    }

    /// A signal has come that the program is to have, too.
    /// - Parameters:
    ///   - isKnown: The program has had it: the terminal has sent it to all.
    ///   - isEnd: It asks for the end, whatever the program makes of it: SIGTERM.
    ///   - endsStop: It asks for the end where it comes while the program is stopped: of an interrupt a program may make what it likes while
    ///     it runs.
    package mutating func received(_ number: CInt, isKnown: Bool, isEnd: Bool, endsStop: Bool) -> Action? {
        switch state {
        case .starting, .clearing:
            guard isEnd || endsStop else { return nil }
            state = .over
            return .end(.signal(number))
        case .stopping, .killed: isToEnd = isToEnd || isEnd || endsStop
        case .running: isToEnd = isToEnd || isEnd
        case .over: return nil
        }
        return isKnown ? nil : .signal(number)
    }

    package mutating func ended(_ end: ProgramEnd) -> Action? {
        switch state {
        case .stopping where !isToEnd, .killed where !isToEnd:
            state = .clearing
            return .clear
        case .starting, .running, .stopping, .killed:
            state = .over
            return .end(end)
        case .clearing, .over: return nil
        }
    }

    /// Nothing is left of the last one.
    package mutating func cleared() -> Action? {
        guard case .clearing = state else { return nil }
        state = .starting
        current = newest
        return .start(newest)
    }
}

/// How a program ended.
package enum ProgramEnd: Equatable, Sendable {
    case code(CInt)
    case signal(CInt)
}
