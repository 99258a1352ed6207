package import ConfigValues
import Diagnostics
import Glibc
package import LocalAttestation

/// What a program is started with, and what makes it another start.
package struct ProgramStart: Sendable, Equatable {
    /// `NAME=value`
    package let environment: [[UInt8]]
    private let key: [[UInt8]]

    /// - Parameter key: Where it is the same, nothing has changed for the program.
    package init(environment: [[UInt8]], key: [[UInt8]]) {
        self.environment = environment
        self.key = key
    }

    package static func == (left: Self, right: Self) -> Bool { left.key == right.key }
}

/// Keeps a program that is started with what configs say: passes on signals, starts it anew or tells it when they change, and ends as it ends.
package struct ProgramKeeper {
    package struct Settings {
        /// The program's name and its arguments.
        package var words: [[UInt8]]
        package var reaction: ProgramCourse<ProgramStart>.Reaction
        /// From SIGTERM to SIGKILL.
        package var grace: Duration
        /// Signals that this process ignores, and the program does not.
        package var defaults: [CInt]
        /// What a program has left running is in there; `nil`: that is not known.
        package var group: StartedGroup?

        package init(
            words: [[UInt8]], reaction: ProgramCourse<ProgramStart>.Reaction, grace: Duration, defaults: [CInt],
            group: StartedGroup?
        ) {
            self.words = words
            self.reaction = reaction
            self.grace = grace
            self.defaults = defaults
            self.group = group
        }
    }

    private let settings: Settings
    private let inbox: ConfigInbox
    private let make: ([ConfigValue]) throws(InvalidVariables) -> ProgramStart
    private let tell: (String) -> Void
    private var course: ProgramCourse<ProgramStart>
    private var process: ProgramProcess?
    private let terminal = Terminal()
    /// Of signals that the program is not to hear of, as this process was given it.
    private var mask = sigset_t()
    /// Until then what a program has left is waited for.
    private var clearingEnd: ContinuousClock.Instant?
    /// The last that was said of values that can be no environment.
    private var invalid: InvalidVariables?

    /// What is killed is gone after that long, or nobody can do anything about it.
    private static let clearingPatience = Duration.seconds(5)

    /// - Parameters:
    ///   - make: Of values, in the order of the configs.
    ///   - tell: Is told what people should know.
    package init(
        _ settings: Settings, _ start: ProgramStart, _ inbox: ConfigInbox,
        make: @escaping ([ConfigValue]) throws(InvalidVariables) -> ProgramStart, tell: @escaping (String) -> Void
    ) {
        self.settings = settings
        self.inbox = inbox
        self.make = make
        self.tell = tell
        course = ProgramCourse(start, reaction: settings.reaction, grace: settings.grace, at: .now)
    }

    /// Starts the program, and stays until it has ended for good.
    package mutating func run(_ start: ProgramStart) -> ProgramEnd {
        guard let signals = SignalInbox() else {
            tell("cannot wait for signals: \(FailedCall.reason(errno))")
            return .code(126)
        }
        mask = signals.mask
        if let end = perform(.start(start)) { return end }
        while true {
            wait(signals.descriptor)
            // Its own end comes before all that would be done to it.
            if let end = perform(process?.end().flatMap { course.ended($0) }) { return end }
            for signal in signals.take() {
                let (number, isKnown) = (signal.number, signal.isFromTerminal)
                let action = course.received(
                    number, isKnown: isKnown, isEnd: number == SIGTERM,
                    endsStop: number == SIGINT || number == SIGQUIT || number == SIGHUP && isKnown)
                if let end = perform(action) { return end }
            }
            if let end = perform(news()) { return end }
            if let end = perform(course.timePassed(.now)) { return end }
            if let end = perform(cleared()) { return end }
        }
    }

    private func wait(_ signals: CInt) {
        var polled = [signals, inbox.descriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var milliseconds: CInt = -1
        if clearingEnd != nil {
            milliseconds = 5
        } else if let deadline = course.deadline {
            milliseconds = CInt(clamping: max(0, (deadline - .now).milliseconds + 1))
        }
        _ = unsafe poll(&polled, nfds_t(polled.count), milliseconds)
    }

    private mutating func news() -> ProgramCourse<ProgramStart>.Action? {
        let (values, troubles) = inbox.look()
        for trouble in troubles { tell("\(trouble.message); the program goes on with what it has") }
        guard let values else { return nil }
        do throws(InvalidVariables) {
            let start = try make(values)
            invalid = nil
            return course.changed(to: start, at: .now)
        } catch {
            if invalid != error {
                invalid = error
                tell("\(error)\nthe program goes on with what it has")
            }
            return nil
        }
    }

    private mutating func cleared() -> ProgramCourse<ProgramStart>.Action? {
        guard let end = clearingEnd else { return nil }
        guard settings.group?.killOthers() ?? 0 > 0, .now < end else {
            clearingEnd = nil
            return course.cleared()
        }
        return nil
    }

    /// - Returns: The end of it all.
    private mutating func perform(_ action: ProgramCourse<ProgramStart>.Action?) -> ProgramEnd? {
        switch action {
        case nil: return nil
        case .signal(let number): if let process { Glibc.kill(process.pid, number) }
        case .stop:
            tell("the config has changed: the program is started anew")
            if let process { Glibc.kill(process.pid, SIGTERM) }
        case .kill:
            tell("the program has not ended in \(settings.grace): it is killed")
            if let process { Glibc.kill(process.pid, SIGKILL) }
        case .clear:
            process = nil
            clearingEnd = .now + Self.clearingPatience
        case .start(let start):
            terminal?.restore()
            do throws(ProgramProcess.Failure) {
                process = try ProgramProcess(
                    settings.words, environment: start.environment, defaults: settings.defaults, mask: mask)
            } catch {
                tell(
                    "cannot start \(Diagnostic.quoted(String(printable: settings.words[0]))): \(FailedCall.reason(error.errno))"
                )
                return .code(error.errno == ENOENT ? 127 : 126)
            }
            return perform(course.started(at: .now))
        case .end(let end): return end
        }
        return nil
    }
}

extension ProgramEnd {
    /// Ends this process in the same way.
    package func become() -> Never {
        switch self {
        case .code(let code): exit(code)
        case .signal(let number):
            // Where the program has left an image of its memory, there is no need for another.
            var none = rlimit(rlim_cur: 0, rlim_max: 0)
            _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
            Glibc.signal(number, SIG_DFL)
            var signals = sigset_t()
            unsafe sigemptyset(&signals)
            unsafe sigaddset(&signals, number)
            unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            Glibc.kill(getpid(), number)
            exit(128 + number)
        }
    }
}
