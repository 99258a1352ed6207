import HTTPSemantics
import Manifests
import ServiceFixtures
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import ServiceContracts

/// In whatever order rules change and a service speaks, a caller hears what was said, in order, up to where it was judged by rules that
/// are not in force, and nothing of that.
struct ToldByWhomTests {
    private final class Handing: LocalService {
        let call = Mutex<LocalCall?>(nil)
        func begin(_ call: LocalCall) -> any LocalSession {
            self.call.withLock { $0 = call }
            return AnsweredSession()
        }
    }

    /// What was said, and by which rules.
    private struct Piece: Equatable {
        let number: UInt8
        /// `nil`: nothing in it is anybody's.
        let rules: Int?
    }

    private static func rules() throws -> [ResourceRules] {
        var compiler = ResourceRulesCompiler(labels: LabelRegistry())
        return try ["/values/a", "/values/b", "/values/c"].map {
            compiler.compile(try ResourceRulesTests.snapshot([ResourceRulesTests.allow($0)]))
        }
    }

    @Test(arguments: 0..<20) func `what is heard is by the rules in force`(round: Int) async throws {
        let all = try Self.rules()
        let rules = RulesInForce(all[0])
        var now = 0
        let service = Handing()
        let host = ServiceHost(service, name: "handing", threadCount: 1)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<40 {
            let caller = InMemoryCaller(.get, "/v1/x", of: host, rules: rules)
            #expect(caller.relay.start())
            await Poll.until { service.call.withLock { $0 != nil } }
            let call = service.call.withLock { call in
                defer { call = nil }
                return call!
            }
            var judges: [(judge: Judge?, rules: Int?)] = [(nil, nil)]
            var waiting: [Piece] = []
            var heard: [UInt8] = []
            var said: [UInt8] = []
            call.begin(LocalAnswer(status: 200), by: nil)
            _ = caller.relay.next()
            story: for number in 1...60 {
                switch Int.random(in: 0..<6, using: &random) {
                case 0:
                    now = Int.random(in: 0..<all.count, using: &random)
                    rules.adopt(all[now])
                    caller.relay.judgeAgain()
                case 1:
                    let judge = call.judge()
                    _ = judge.allows(.get, ResourcePath(below: "/values"), of: EchoService.app)
                    judges.append((judge, now))
                case 2, 3:
                    let (judge, of) = judges.randomElement(using: &random)!
                    #expect(call.send([UInt8(number)], by: judge) == .taken)
                    said.append(UInt8(number))
                    waiting.append(Piece(number: UInt8(number), rules: of))
                default:
                    switch caller.relay.next() {
                    case nil: #expect(waiting.isEmpty)
                    case .body(let bytes):
                        let piece = waiting.removeFirst()
                        #expect(bytes == [piece.number] && (piece.rules == nil || piece.rules == now))
                        heard += bytes
                    case .outdated:
                        #expect(waiting.first?.rules != nil && waiting.first?.rules != now)
                        break story
                    case .head, .end, .failure: Issue.record("nobody has said so")
                    }
                }
            }
            #expect(said.starts(with: heard))
            caller.relay.leave()
            #expect(call.send([0], by: nil) == .over && caller.relay.next() == nil)
        }
        host.executor.stop()
    }
}
