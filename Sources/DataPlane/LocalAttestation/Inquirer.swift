import Synchronization
import SystemInterfaces

/// What one user's questions come to, found out together, a slice at a time.
protocol Inquiry: SendableMetatype {
    associatedtype Question: Sendable
    /// What stays from one inquiry to the next, on their thread.
    associatedtype Notes

    /// - Parameter questions: All that `user` has asked by now; each is answered once.
    init(_ questions: [Question], of user: UInt32)

    /// Nothing is left to be answered.
    var isOver: Bool { get }

    /// - Returns: How many questions were answered.
    mutating func goOn(_ slice: inout Slice, _ notes: inout Notes) -> Int
}

/// A thread that finds things out for users, who take turns: however much one asks for, and however long that takes, it costs another no
/// more than a slice for each turn of his own. To the workers, who have calls to serve, it gives way.
final class Inquirer<Work: Inquiry>: Sendable {
    private struct State {
        var questions: FairQueue<Work.Question>
        var hasThread = false
        var isStopped = false
    }

    private let state: Mutex<State>
    private let wakeup: Wakeup
    private let name: String
    private let makeNotes: @Sendable () -> Work.Notes

    /// - Parameters:
    ///   - name: Of its thread, which begins with the first question.
    ///   - mostUnderWay: Users whose questions are under way at once.
    init(
        name: String, mostUnderWay: Int = .max, _ makeNotes: @escaping @Sendable () -> Work.Notes
    ) throws(SystemCallError) {
        state = Mutex(State(questions: FairQueue(mostUnderWay: mostUnderWay)))
        wakeup = try Wakeup()
        self.name = name
        self.makeNotes = makeNotes
    }

    /// What is under way is answered still.
    func stop() {
        state.withLock { $0.isStopped = true }
        wakeup.give()
    }

    /// - Returns: `false`: too much waits already, and it is not taken.
    func ask(_ question: Work.Question, of user: UInt32) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isStopped else { return false }
            if !state.hasThread { state.hasThread = startThread() }
            return state.hasThread && state.questions.add(question, of: user)
        }
        if isTaken { wakeup.give() }
        return isTaken
    }

    private func startThread() -> Bool {
        do throws(SystemCallError) {
            try SystemThread.start(name: name, givesWay: true) { self.run() }
            return true
        } catch {
            return false
        }
    }

    private func run() {
        var notes = makeNotes()
        var underWay: [UInt32: Work] = [:]
        while true {
            wakeup.wait(until: nil)
            wakeup.take()
            while let (user, begins) = state.withLock({ $0.questions.next() }) {
                var work = underWay.removeValue(forKey: user) ?? Work(begins, of: user)
                var slice = Slice()
                let answered = work.goOn(&slice, &notes)
                let isOver = work.isOver
                if !isOver { underWay[user] = work }
                state.withLock { $0.questions.tookTurn(user, answered: answered, isOver: isOver) }
            }
            if state.withLock(\.isStopped) { return }
        }
    }
}
