import ConfigChecks
import FuzzKit
import Testing

@Suite struct RandomStackTests {
    /// Whole, after each of several changes, and by a slow reading of the rules: values, origins, secrets and mistakes.
    @Test(arguments: 0..<10)
    func `what is merged again after a change is what is merged at once, and what the rules say`(seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        var tally = ConfigStackChecks.Tally()
        for _ in 0..<100 {
            let count = 40 + random.next(below: 400)
            ConfigStackChecks.check((0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }, &tally)
        }
        // Or else nothing would have been tried.
        #expect(tally.values > 100 && tally.valuesAgain > 50 && tally.refusals > 50, "tried: \(tally)")
    }

    @Test(
        arguments: Files.list("\(Files.fuzzingFolder)/Corpus/config")
            + Files.list("\(Files.fuzzingFolder)/Crashers/config"))
    func `what fuzzing began with, and what it found, holds`(path: String) throws {
        _ = ConfigStackChecks.check(try #require(Files.read(path)))
    }
}
