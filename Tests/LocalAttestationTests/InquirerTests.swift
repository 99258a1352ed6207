import Synchronization
import TestSupport
import Testing

@testable import LocalAttestation

struct InquirerTests {
    /// What the thread does, in order.
    private final class Log: Sendable {
        private let lines = Mutex<[String]>([])

        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    /// Questions that take as many slices as they say.
    private struct Steps: Inquiry {
        struct Question: Sendable {
            let slices: Int
            var gate: Gate?
        }

        private let user: UInt32
        private var questions: [Question]
        private var had = 0

        init(_ questions: [Question], of user: UInt32) {
            self.user = user
            self.questions = questions
        }

        var isOver: Bool { questions.isEmpty }

        mutating func goOn(_ slice: inout Slice, _ notes: inout Log) -> Int {
            questions[0].gate?.pass()
            slice.spend(Slice.whole)
            had += 1
            guard had == questions[0].slices else {
                notes.add("\(user)")
                return 0
            }
            had = 0
            questions.removeFirst()
            notes.add("\(user) answers")
            return 1
        }
    }

    @Test func `a long question of one user costs another a slice of it for each of his own`() async throws {
        let log = Log()
        let inquirer = try Inquirer<Steps>(name: "test") { log }
        let gate = Gate()
        // The thread is held up until all have asked.
        #expect(inquirer.ask(Steps.Question(slices: 1, gate: gate), of: 0))
        #expect(inquirer.ask(Steps.Question(slices: 1_000), of: 1))
        #expect(inquirer.ask(Steps.Question(slices: 3), of: 2))
        gate.open()
        #expect(await Poll.until { log.all.last == "1 answers" })
        #expect(log.all.prefix(7) == ["0 answers", "1", "2", "1", "2", "1", "2 answers"])
        #expect(log.all.count == 1_004)
        inquirer.stop()
        #expect(!inquirer.ask(Steps.Question(slices: 1), of: 1))
    }
}
