import Testing

@testable import Reconciliation

struct ChangeSettlerTests {
    private let start = ContinuousClock.now
    private let times = ReadingTimes()

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }
    private func settler() -> ChangeSettler { ChangeSettler(times: times, now: start) }

    @Test func `a change is read when it has been quiet for 5 ms`() {
        var settler = settler()
        settler.record(.completed(path: "a"), at: at(0))
        settler.record(.completed(path: "b"), at: at(4))
        let early = settler.next(at: at(8))
        let wake = settler.wake
        let onTime = settler.next(at: at(9))
        let again = settler.next(at: at(20))

        #expect(early == nil)
        #expect(wake == at(9))
        #expect(onTime?.files == ["a": .complete, "b": .complete])
        #expect(onTime?.firstEventAt == at(0))
        #expect(again == nil)
    }

    @Test func `events of one file without end are read after 250 ms`() {
        var settler = settler()
        for time in stride(from: 0, through: 248, by: 4) { settler.record(.completed(path: "a"), at: at(time)) }
        let early = settler.next(at: at(249))
        let onTime = settler.next(at: at(250))
        #expect(early == nil)
        #expect(onTime?.isOverdue == true)
    }

    @Test func `a change that grows is waited for, 2 s at most`() {
        var settler = settler()
        // A checkout: 250 files a second, and pauses of 40 ms.
        var early: [ChangeSettler.Request] = []
        for time in stride(from: 0, to: 1996, by: 4) where time % 200 < 160 {
            settler.record(.created(path: "\(time)"), at: at(time))
            settler.record(.completed(path: "\(time)"), at: at(time + 1))
            if time > 400, let request = settler.next(at: at(time + 3)) { early.append(request) }
        }
        let before = settler.next(at: at(1999))
        let onTime = settler.next(at: at(2000))
        #expect(early == [])
        #expect(before == nil)
        #expect(onTime?.files.count == 400)
        #expect(onTime?.isOverdue == true)
    }

    @Test func `a change that has stopped growing is read 250 ms later, whatever is rewritten meanwhile`() {
        var settler = settler()
        for time in stride(from: 0, to: 400, by: 4) { settler.record(.completed(path: "\(time)"), at: at(time)) }
        for time in stride(from: 400, to: 700, by: 4) { settler.record(.completed(path: "0"), at: at(time)) }
        let early = settler.next(at: at(645))
        let onTime = settler.next(at: at(646))
        #expect(early == nil)
        #expect(onTime?.files.count == 100)
    }

    @Test func `the longer a change takes, the longer the pause that ends it`() {
        var settler = settler()
        for time in stride(from: 0, through: 400, by: 4) { settler.record(.completed(path: "\(time)"), at: at(time)) }
        let early = settler.next(at: at(449))
        let wake = settler.wake
        let onTime = settler.next(at: at(450))
        #expect(early == nil)
        #expect(wake == at(450))
        #expect(onTime?.isOverdue == false)
    }

    @Test func `a command of git is waited for until it is done`() {
        var settler = settler()
        settler.record(.completed(path: "a"), at: at(0))
        settler.record(.completed(path: "b"), at: at(1))
        let during = settler.next(at: at(10)) { true }
        let wake = settler.wake
        let stillDuring = settler.next(at: at(2500)) { true }
        let after = settler.next(at: at(2510)) { false }
        #expect(during == nil)
        #expect(wake == at(20))
        #expect(stillDuring == nil)
        #expect(after?.files == ["a": .complete, "b": .complete])
    }

    @Test func `a command of git is waited for 5 s at most`() {
        var settler = settler()
        settler.record(.completed(path: "a"), at: at(0))
        let before = settler.next(at: at(4999)) { true }
        let after = settler.next(at: at(5009)) { true }
        #expect(before == nil)
        #expect(after?.files == ["a": .complete])
    }

    @Test func `one file that was replaced waits for no command of git`() {
        var settler = settler()
        settler.record(.replaced(path: "a"), at: at(0))
        let early = settler.next(at: at(0)) { true }
        let settled = settler.next(at: at(5)) { true }
        #expect(early?.isEarly == true)
        #expect(settled?.isEarly == false)
    }

    @Test func `a file being written is held until it is closed`() {
        var settler = settler()
        settler.record(.writing(path: "a"), at: at(0))
        settler.record(.completed(path: "b"), at: at(10))
        let other = settler.next(at: at(15))
        settler.record(.completed(path: "a"), at: at(900))
        let closed = settler.next(at: at(905))
        #expect(other?.held == ["a"])
        #expect(other?.files == ["b": .complete])
        #expect(closed?.files == ["a": .complete])
        #expect(closed?.held == [])
    }

    @Test func `a file that is written for 5 s counts as it is`() {
        var settler = settler()
        for time in stride(from: 0, to: 5000, by: 500) { settler.record(.writing(path: "a"), at: at(time)) }
        let early = settler.next(at: at(4999))
        let wake = settler.wake
        let late = settler.next(at: at(5000))
        #expect(early == nil)
        #expect(wake == at(5000))
        #expect(late?.files == ["a": .complete])
    }

    @Test func `a file that is written to during each look is overdue after 5 s, and 5 s after that`() {
        var settler = settler()
        settler.record(.writing(path: "a"), at: at(0))
        let first = settler.next(at: at(5000))!
        settler.record(.writing(path: "a"), at: at(5001))
        let isDoubtful = settler.isDoubtful("a", in: first)
        let waits = settler.settle(first, busy: [], missing: [], at: at(5002))
        let early = settler.next(at: at(10_000))
        let wake = settler.wake
        let second = settler.next(at: at(10_001))
        #expect(first.overdueFiles == ["a"])
        #expect(!isDoubtful && !waits)
        #expect(early == nil)
        #expect(wake == at(10_001))
        #expect(second?.overdueFiles == ["a"])
    }

    @Test func `a file that is written whole again during each look is overdue after 5 s`() {
        var settler = settler()
        var time = 0
        var isDoubtful = true
        while isDoubtful, time < 10_000 {
            settler.record(.completed(path: "a"), at: at(time))
            if let request = settler.next(at: at(time + 1)) {
                settler.record(.completed(path: "a"), at: at(time + 2))
                isDoubtful = settler.isDoubtful("a", in: request)
                _ = settler.settle(request, busy: [], missing: [], at: at(time + 3))
            }
            time += 4
        }
        #expect((5_000...5_300).contains(time))
    }

    @Test func `a file that is open at each look, of which no event tells, is overdue after 5 s`() {
        var settler = settler()
        settler.schedule(at: at(0))
        let first = settler.next(at: at(0))!
        _ = settler.settle(first, busy: ["a"], missing: [], at: at(1))
        let second = settler.next(at: at(5001))
        #expect(first.overdueFiles.isEmpty)
        #expect(second?.files == ["a": .complete])
        #expect(second?.overdueFiles == ["a"])
    }

    @Test func `a file that was seen as it is is waited for anew`() {
        var settler = settler()
        settler.record(.completed(path: "a"), at: at(0))
        let first = settler.next(at: at(5))!
        _ = settler.settle(first, busy: [], missing: [], at: at(6))
        settler.record(.completed(path: "a"), at: at(6000))
        let second = settler.next(at: at(6005))
        #expect(second?.files == ["a": .complete])
        #expect(second?.overdueFiles == [])
    }

    @Test func `a file is not gone because it comes and goes without end`() {
        var settler = settler()
        settler.record(.writing(path: "a"), at: at(0))
        settler.record(.removed(path: "a"), at: at(6000))
        let request = settler.next(at: at(6005))!
        settler.record(.replaced(path: "a"), at: at(6006))
        #expect(request.files == ["a": .gone])
        #expect(settler.isDoubtful("a", in: request))
    }

    @Test func `a file that vanished is gone after 100 ms`() {
        var settler = settler()
        settler.record(.vanished(path: "a"), at: at(0))
        let early = settler.next(at: at(99))
        let late = settler.next(at: at(100))
        #expect(early == nil)
        #expect(late?.files == ["a": .gone])
        #expect(late?.firstEventAt == at(0))
    }

    @Test func `a file that comes back never vanished`() {
        var settler = settler()
        settler.record(.vanished(path: "a"), at: at(0))
        settler.record(.completed(path: "a"), at: at(2))
        let read = settler.next(at: at(7))
        let wake = settler.wake
        #expect(read?.files == ["a": .complete])
        #expect(wake == start + times.rescan)
    }

    @Test func `files that vanished keep the change together`() {
        var settler = settler()
        settler.record(.vanished(path: "a"), at: at(0))
        settler.record(.completed(path: "b"), at: at(2))
        let early = settler.next(at: at(50))
        let late = settler.next(at: at(100))
        #expect(early == nil)
        #expect(late?.files == ["a": .gone, "b": .complete])
    }

    @Test func `lost events make it read everything`() {
        var settler = settler()
        settler.record(.structure, at: at(0))
        let request = settler.next(at: at(5))
        #expect(request?.everything == true)
    }

    @Test func `everything is read every 30 s`() {
        var settler = settler()
        let early = settler.next(at: at(29_999))
        let first = settler.next(at: at(30_000))
        let second = settler.next(at: at(60_000))
        #expect(early == nil)
        #expect(first?.everything == true)
        #expect(second?.everything == true)
    }

    @Test func `a file that is gone without an event is waited for like one with`() {
        var settler = settler()
        settler.record(.structure, at: at(0))
        let request = settler.next(at: at(5))!
        let waits = settler.settle(request, busy: [], missing: ["a"], at: at(6))
        let early = settler.next(at: at(50))
        let late = settler.next(at: at(106))
        #expect(waits)
        #expect(early == nil)
        #expect(late?.files == ["a": .gone])
        #expect(late?.firstEventAt == at(0))
    }

    @Test func `what may be half of a change waits for a second look at the rest`() {
        var settler = settler()
        settler.record(.completed(path: "a"), at: at(0))
        let request = settler.next(at: at(5))!
        let waits = settler.settle(request, busy: [], missing: [], secondLook: .milliseconds(100), at: at(6))
        let isUnderWay = settler.isUnderWay
        let early = settler.next(at: at(105))
        let wake = settler.wake
        let second = settler.next(at: at(106))!
        let isEnough = !settler.settle(second, busy: [], missing: [], at: at(107))
        #expect(waits && isUnderWay && isEnough)
        #expect(early == nil)
        #expect(wake == at(106))
        #expect(second.everything)
        #expect(second.firstEventAt == at(0))
        #expect(!settler.isUnderWay)
    }

    @Test func `a folder where each look finds something else is taken up after 2 s`() {
        var settler = settler()
        settler.schedule(at: at(0))
        var time = 0
        var waits = true
        while waits, time < 5_000 {
            time += 1
            guard let request = settler.next(at: at(time)) else { continue }
            waits = settler.settle(request, busy: [], missing: [], secondLook: .milliseconds(100), at: at(time))
        }
        #expect((1_950...2_050).contains(time))
    }

    @Test func `who asks is told that a second look is to come`() {
        var settler = settler()
        let request = settler.question(at: at(0))
        _ = settler.settle(request, busy: [], missing: [], secondLook: .milliseconds(100), at: at(1))
        #expect(settler.isUnderWay)
    }

    @Test func `what was written while it was read is not believed`() {
        var settler = settler()
        settler.record(.completed(path: "a"), at: at(0))
        _ = settler.next(at: at(5))
        let before = settler.isDisturbed("a")
        settler.record(.writing(path: "a"), at: at(6))
        let during = settler.isDisturbed("a")
        settler.record(.completed(path: "a"), at: at(6))
        let after = settler.isDisturbed("a")
        #expect((before, during, after) == (false, true, true))
    }

    @Test func `one file that was replaced is read at once, and all once it is quiet`() {
        var settler = settler()
        settler.record(.replaced(path: "a"), at: at(0))
        let wake = settler.wake
        let early = settler.next(at: at(0))
        let between = settler.next(at: at(4))
        let settled = settler.next(at: at(5))
        let again = settler.next(at: at(20))
        #expect(wake == at(0))
        #expect(early?.isEarly == true)
        // Whoever still writes to it is asked for.
        #expect(early?.files == ["a": .uncertain])
        #expect(between == nil)
        #expect(settled?.isEarly == false)
        #expect(settled?.firstEventAt == at(0))
        #expect(again == nil)
    }

    @Test(
        arguments: [
            [.replaced(path: "a"), .replaced(path: "b")], [.replaced(path: "a"), .completed(path: "b")],
            [.completed(path: "b"), .replaced(path: "a")], [.replaced(path: "a"), .writing(path: "a")],
            [.writing(path: "b"), .replaced(path: "a")], [.replaced(path: "a"), .vanished(path: "a")],
            [.vanished(path: "b"), .replaced(path: "a")], [.removed(path: "b"), .replaced(path: "a")],
            [.replaced(path: "a"), .structure], [.structure, .replaced(path: "a")],
            [.replaced(path: "a"), .watchedFile],
        ] as [[ChangeSettler.Event]])
    func `what is more than one file that was replaced waits until all is quiet`(events: [ChangeSettler.Event]) {
        var settler = settler()
        for event in events { settler.record(event, at: at(0)) }
        let early = settler.next(at: at(4))
        #expect(early == nil)
    }

    @Test func `what happens after the early reading waits until all is quiet`() {
        var settler = settler()
        settler.record(.replaced(path: "a"), at: at(0))
        _ = settler.next(at: at(1))
        settler.record(.replaced(path: "b"), at: at(3))
        let early = settler.next(at: at(5))
        let settled = settler.next(at: at(8))
        #expect(early == nil)
        #expect(settled?.files == ["b": .complete])
        #expect(settled?.firstEventAt == at(0))
    }

    @Test func `what could not be read early is read when all is quiet`() {
        var settler = settler()
        settler.record(.replaced(path: "a"), at: at(0))
        let early = settler.next(at: at(1))!
        settler.postpone(early)
        let settled = settler.next(at: at(5))
        #expect(settled?.files == ["a": .complete])
    }

    @Test func `a question leaves what is under way to be read when it has settled`() {
        var settler = settler()
        settler.record(.completed(path: "a"), at: at(0))
        let asked = settler.question(at: at(1))
        let isRead = !settler.isDisturbed("a")
        settler.record(.completed(path: "b"), at: at(2))
        let isDisturbed = settler.isDisturbed("b")
        let early = settler.next(at: at(6))
        let onTime = settler.next(at: at(7))

        #expect(asked.everything && asked.files == ["a": .complete])
        #expect(isRead && isDisturbed)
        #expect(early == nil)
        #expect(onTime?.files == ["a": .complete, "b": .complete])
        #expect(!settler.isUnderWay)
    }
}
