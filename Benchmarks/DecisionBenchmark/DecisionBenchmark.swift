import AllocationCounter
import Authorization
import CommonValues
import Glibc
import HTTPSemantics
import Manifests

/// Nanoseconds and heap allocations of one decision under 10, 1,000 and 10,000 rules, for the shapes in which rules come,
/// and how long the rules take to compile and to lint. A shape's ratios compare it to itself with 10 rules, in the same run.
@main
struct DecisionBenchmark {
    static let ruleCounts = [10, 1_000, 10_000]
    static let rounds = 7
    static let decisionsPerRound = 200_000

    static func main() {
        precondition(heddle_allocation_count() > 0, "allocations are not counted")
        print(
            pad("shape", 36), pad("call", 8), columns("rules"), columns("ns"), columns("ratio"), columns("allocs"),
            columns("compile ms"), columns("lint ms"))
        for shape in Shape.allCases {
            var baseline: [Bool: Double] = [:]
            for count in ruleCounts {
                var program: AuthorizationProgram?
                let policies = shape.policies(count: count)
                let compiling = processorTime {
                    program = AuthorizationProgram(
                        policies: policies,
                        defaultAction: .deny)
                }
                guard let program else { continue }
                let linting = processorTime {
                    _ = PolicyLint.check(
                        policies: policies, services: [ResourceName(namespace: "shop", name: "orders")],
                        defaultAction: .deny)
                }
                for isMatching in [true, false] {
                    let result = measure(program, shape, count: count, isMatching: isMatching)
                    let ratio = result.nanoseconds / (baseline[isMatching] ?? result.nanoseconds)
                    if baseline[isMatching] == nil { baseline[isMatching] = result.nanoseconds }
                    print(
                        pad(shape.rawValue, 36), pad(isMatching ? "allowed" : "denied", 8), columns("\(count)"),
                        columns(rounded(result.nanoseconds)), columns(rounded(ratio)),
                        columns(rounded(result.allocations)), columns(rounded(milliseconds(compiling))),
                        columns(rounded(milliseconds(linting))))
                }
            }
        }
    }

    /// - Returns: the best round's time, and all rounds' allocations, per decision.
    static func measure(
        _ program: AuthorizationProgram, _ shape: Shape, count: Int, isMatching: Bool
    ) -> (nanoseconds: Double, allocations: Double) {
        // Eight calls that lie far apart, in turn: neither one hot line of cache nor all of them cold.
        let calls = (0..<8).map { SampledCall(shape, index: $0 * (count - 1) / 7, isMatching: isMatching) }
        var fastest = Duration.seconds(1_000)
        var allowed = 0
        for call in calls { allowed += call.decide(with: program) ? 1 : 0 }
        precondition(allowed == (isMatching ? calls.count : 0), "\(shape) decides wrongly")
        let allocationsBefore = heddle_allocation_count()
        for _ in 0..<rounds {
            let elapsed = processorTime {
                for _ in 0..<(decisionsPerRound / calls.count) {
                    for index in calls.indices { allowed &+= calls[index].decide(with: program) ? 1 : 0 }
                }
            }
            fastest = min(fastest, elapsed)
        }
        let allocations = heddle_allocation_count() - allocationsBefore
        return (
            milliseconds(fastest) * 1e6 / Double(decisionsPerRound),
            Double(allocations) / Double(rounds * decisionsPerRound)
        )
    }

    /// Time on the processor, which other processes' work does not count towards.
    static func processorTime(of work: () -> Void) -> Duration {
        func now() -> Duration {
            var time = timespec()
            _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }
        let start = now()
        work()
        return now() - start
    }

    static func milliseconds(_ duration: Duration) -> Double { duration / .milliseconds(1) }

    static func rounded(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
    }

    static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func columns(_ text: String) -> String { String(repeating: " ", count: max(0, 11 - text.count)) + text }
}

/// A head and the facts of its connection, made once and decided often.
final class SampledCall {
    private let head: MessageHead
    private let facts: CallFacts

    init(_ shape: Shape, index: Int, isMatching: Bool) {
        head = shape.head(index: index, isMatching: isMatching)
        facts = CallFacts(
            caller: Caller(shape.caller(index: index, isMatching: isMatching)),
            peerAddress: IPAddress(high: 0, low: 0xFFFF_0A00_0001), destinationPort: 8080)
    }

    func decide(with program: AuthorizationProgram) -> Bool { program.decide(head, facts).isAllowed }
}
