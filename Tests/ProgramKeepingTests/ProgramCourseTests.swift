import Testing

@testable import ProgramKeeping

/// When a program is started anew, with time as the test says.
struct ProgramCourseTests {
    private let start = ContinuousClock.now

    private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    /// One that runs since 0 s, with "a".
    private func running(_ reaction: ProgramCourse<String>.Reaction = .restart) -> ProgramCourse<String> {
        var course = ProgramCourse("a", reaction: reaction, at: start)
        let action = course.started(at: start)
        #expect(action == nil && course.deadline == nil)
        return course
    }

    private func expect(
        _ action: ProgramCourse<String>.Action?, _ expected: ProgramCourse<String>.Action?,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(action == expected, sourceLocation: location)
    }

    @Test func `a change stops the program, clears what it has left, and starts it with the newest`() {
        var course = running()
        expect(course.changed(to: "b", at: at(6)), .stop)
        #expect(course.deadline == at(16))
        expect(course.changed(to: "c", at: at(7)), nil)
        expect(course.ended(.code(0)), .clear)
        #expect(course.deadline == nil)
        expect(course.changed(to: "d", at: at(8)), nil)
        expect(course.cleared(), .start("d"))
        expect(course.started(at: at(8)), nil)
        expect(course.timePassed(at(100)), nil)
    }

    @Test func `a flood of changes starts it anew at most once in 5 s, and ends with the last`() {
        var course = running()
        var starts: [(time: Double, what: String)] = []
        // 100 changes a second for 20 s, and then time alone.
        for step in 0..<4_000 {
            let now = Double(step) / 100
            let action =
                step < 2_000 ? course.changed(to: "\(step)", at: at(now)) : course.timePassed(at(now))
            guard action == .stop else { continue }
            expect(course.ended(.signal(15)), .clear)
            guard case .start(let what)? = course.cleared() else { continue }
            starts.append((now, what))
            _ = course.started(at: at(now))
        }
        #expect(zip(starts, starts.dropFirst()).allSatisfy { $1.time - $0.time >= 5 })
        #expect(starts.first?.time == 5 && starts.count >= 3)
        #expect(starts.last?.what == "1999")
    }

    @Test func `what comes back as it was changes nothing, also while a start is due`() {
        var course = running()
        expect(course.changed(to: "a", at: at(6)), nil)
        var early = running()
        expect(early.changed(to: "b", at: at(1)), nil)
        #expect(early.deadline == at(5))
        expect(early.changed(to: "a", at: at(2)), nil)
        #expect(early.deadline == nil)
        expect(early.timePassed(at(9)), nil)
    }

    @Test func `one that ignores SIGTERM is killed when its time is over`() {
        var course = running()
        expect(course.changed(to: "b", at: at(6)), .stop)
        expect(course.timePassed(at(15)), nil)
        expect(course.timePassed(at(16)), .kill)
        expect(course.timePassed(at(30)), nil)
        #expect(course.deadline == nil)
        expect(course.ended(.signal(9)), .clear)
        expect(course.cleared(), .start("b"))
    }

    @Test func `its own end is the end, also while a start is due`() {
        var course = running()
        expect(course.changed(to: "b", at: at(1)), nil)
        expect(course.ended(.code(7)), .end(.code(7)))
        expect(course.timePassed(at(60)), nil)
        expect(course.ended(.code(0)), nil)
        expect(course.cleared(), nil)
    }

    @Test func `signals are passed on, but those that it has had from the terminal`() {
        var course = running()
        expect(course.received(10, isKnown: false, isEnd: false, endsStop: false), .signal(10))
        expect(course.received(2, isKnown: true, isEnd: false, endsStop: true), nil)
        // What an interrupt means while it runs is its own affair.
        expect(course.changed(to: "b", at: at(6)), .stop)
        expect(course.received(10, isKnown: false, isEnd: false, endsStop: false), .signal(10))
        expect(course.ended(.code(0)), .clear)
    }

    @Test func `who is told to end is not started again`() {
        var course = running()
        expect(course.received(15, isKnown: false, isEnd: true, endsStop: true), .signal(15))
        expect(course.changed(to: "b", at: at(6)), nil)
        #expect(course.deadline == nil)
        expect(course.ended(.signal(15)), .end(.signal(15)))

        // While it stops, an interrupt is enough.
        var stopping = running()
        expect(stopping.changed(to: "b", at: at(6)), .stop)
        expect(stopping.received(2, isKnown: true, isEnd: false, endsStop: true), nil)
        expect(stopping.timePassed(at(16)), .kill)
        expect(stopping.ended(.signal(9)), .end(.signal(9)))

        // Where there is none, it ends by the signal.
        var clearing = running()
        expect(clearing.changed(to: "b", at: at(6)), .stop)
        expect(clearing.ended(.code(0)), .clear)
        expect(clearing.received(10, isKnown: false, isEnd: false, endsStop: false), nil)
        expect(clearing.received(15, isKnown: false, isEnd: true, endsStop: true), .end(.signal(15)))
        expect(clearing.cleared(), nil)
    }

    @Test func `one that is told of changes gets its signal at most once in 5 s, and goes on`() {
        var course = running(.signal(1))
        expect(course.changed(to: "b", at: at(6)), .signal(1))
        expect(course.changed(to: "c", at: at(7)), nil)
        expect(course.changed(to: "d", at: at(8)), nil)
        #expect(course.deadline == at(11))
        expect(course.timePassed(at(11)), .signal(1))
        expect(course.timePassed(at(20)), nil)
        expect(course.ended(.code(0)), .end(.code(0)))
    }
}
