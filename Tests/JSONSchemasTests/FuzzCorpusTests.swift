import FuzzKit
import SchemaChecks
import Testing

private func inputs() -> [String] {
    ["Corpus", "Crashers"].flatMap { Files.list("\(Files.fuzzingFolder)/\($0)/schema") }
}

@Test(arguments: inputs())
func `whatever schema and value say, the checks hold`(path: String) throws {
    _ = SchemaChecks.check(try #require(Files.read(path)))
}

@Test func `the corpus is there`() { #expect(inputs().count >= 20) }

@Test func `random schemas and values hold, too`() {
    var random = SplitMix64(seed: 3)
    for _ in 0..<500 {
        _ = SchemaChecks.check((0..<random.next(below: 200)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }
}
