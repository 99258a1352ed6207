import CallOutcomes
import HTTPSemantics
import Testing

@testable import Forwarding

/// How far a call has come, whatever happens to it at whatever point: no socket, no clock.
struct CallCourseTests {
    /// A phase, whatever its stream is.
    enum Point: CaseIterable {
        case idle, planning, waiting, awaited, begun, halfEnded, broken, answered

        init(_ course: CallCourse) {
            self =
                switch course.phase {
                case .idle: .idle
                case .planning: .planning
                case .waiting: .waiting
                case .sent(_, .awaited): .awaited
                case .sent(_, .begun): .begun
                case .sent(_, .ended): .halfEnded
                case .broken: .broken
                case .answered: .answered
                }
        }

        /// A call that has come so far.
        fileprivate func course(on stream: SilentStream = SilentStream(), isRequestComplete: Bool = true) -> CallCourse
        {
            var course = CallCourse()
            guard self != .idle else { return course }
            course.begin(isRequestComplete: isRequestComplete)
            switch self {
            case .idle, .planning: return course
            case .waiting:
                course.wait()
                return course
            case .awaited, .begun, .halfEnded, .broken, .answered: course.sent(on: stream)
            }
            if self != .awaited { course.answerBegan() }
            switch self {
            case .idle, .planning, .waiting, .awaited, .begun: break
            case .halfEnded: course.answerHalfEnded()
            case .broken: _ = course.leaveStream()
            case .answered: course.answerEnded()
            }
            return course
        }
    }

    @Test(arguments: Point.allCases)
    func `every point is reached as a call reaches it`(point: Point) {
        #expect(Point(point.course()) == point)
    }

    @Test func `what is so follows from the point alone`() {
        func points(_ isSo: (CallCourse) -> Bool) -> [Point] { Point.allCases.filter { isSo($0.course()) } }
        #expect(points(\.isOver) == [.idle])
        #expect(points(\.isWaiting) == [.waiting])
        #expect(points { $0.stream != nil } == [.awaited, .begun, .halfEnded])
        #expect(points(\.isAnswerBegun) == [.begun, .halfEnded, .broken, .answered])
        #expect(points(\.isAnswerComplete) == [.halfEnded, .answered])
        #expect(points(\.isAnswered) == [.answered])
    }

    @Test(arguments: Point.allCases)
    func `a call begins anew wherever the last one came to`(point: Point) {
        var course = point.course()
        course = CallCourse()
        #expect(Point(course) == .idle && !course.isRequestComplete && course.stream == nil)
        course.begin(isRequestComplete: false)
        #expect(Point(course) == .planning && !course.isRequestComplete)
    }

    @Test(arguments: [
        (Point.idle, Point.idle, false), (.planning, .planning, false), (.waiting, .planning, false),
        (.awaited, .planning, true), (.begun, .broken, true), (.halfEnded, .broken, true), (.broken, .broken, false),
        (.answered, .answered, false),
    ])
    func `a call that leaves its stream has it no more, and waits for nothing`(from: Point, to: Point, hadStream: Bool)
    {
        let stream = SilentStream()
        var course = from.course(on: stream)
        let left = course.leaveStream()
        #expect(Point(course) == to)
        #expect(left === (hadStream ? stream : nil))
    }

    @Test(arguments: Point.allCases)
    func `who has waited goes on only if the call waits still`(point: Point) {
        var course = point.course()
        let goesOn = course.waited()
        #expect(goesOn == (point == .waiting))
        #expect(Point(course) == (goesOn ? .planning : point))
    }

    /// One that was denied while it waited, and whose answer waits for the rest of its request.
    @Test func `a call that has its answer is not tried again when its time to wait is over`() {
        var course = Point.waiting.course(isRequestComplete: false)
        _ = course.leaveStream()
        course.answerEnded()
        let goesOn = course.waited()
        #expect(!goesOn && Point(course) == .answered)
    }

    @Test(arguments: Point.allCases)
    func `an answer's head and half are of the stream that the call is on`(point: Point) {
        let isOnStream = point.course().stream != nil
        let stream = SilentStream()
        var course = point.course(on: stream)
        course.answerBegan()
        #expect(Point(course) == (isOnStream ? .begun : point))
        course.answerHalfEnded()
        #expect(Point(course) == (isOnStream ? .halfEnded : point))
        #expect(course.stream === (isOnStream ? stream : nil))
    }

    @Test func `an answer that was taken back never was`() {
        var course = Point.broken.course()
        course.answerRetracted()
        #expect(Point(course) == .planning && !course.isAnswerBegun)
    }

    @Test(arguments: Point.allCases, [false, true])
    func `at its end a call's stream is told, but for a tunnel whose two ways have ended`(
        point: Point, isRequestComplete: Bool
    ) {
        let stream = SilentStream()
        var course = point.course(on: stream, isRequestComplete: isRequestComplete)
        let told = course.end()
        let isTold: Bool =
            switch point {
            case .idle, .planning, .waiting, .broken, .answered: false
            case .awaited, .begun: true
            case .halfEnded: !isRequestComplete
            }
        #expect(told === (isTold ? stream : nil))
        #expect(course.isOver && course.stream == nil)
    }

    @Test(arguments: Point.allCases)
    func `a request may end at any point, and nothing else follows from it`(point: Point) {
        var course = point.course(isRequestComplete: false)
        course.requestEnded()
        #expect(course.isRequestComplete && Point(course) == point)
    }

    @Test func `the reason that a call fails for first is the one that is told`() {
        var outcome = CallOutcome()
        outcome.fails(because: .timeout)
        outcome.fails(because: .callerGone)
        #expect(outcome.reason == .timeout)
    }
}

/// A stream that says nothing.
private final class SilentStream: UpstreamStream {
    func sendBody(_ bytes: Span<UInt8>) {}
    func endRequest(trailers: borrowing MessageHead) {}
    func cancel() {}
    func resumeResponse() {}
    var isCongested: Bool { false }
    var queuedByteCount: Int { 0 }
    func workloadProgress() -> SideProgress? { nil }
    var isUnsent: Bool { false }
}
