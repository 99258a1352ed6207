import FuzzKit
import Testing
import WireChecks

private func inputs(_ name: String) -> [String] {
    ["Corpus", "Crashers"].flatMap { Files.list("\(Files.fuzzingFolder)/\($0)/\(name)") }
}

@Test(arguments: inputs("http2"))
func `whatever comes in frames, a session keeps its promises`(path: String) throws {
    _ = HTTP2Checks.check(try #require(Files.read(path)))
}

@Test(arguments: inputs("translation"))
func `between HTTP/1.1 and HTTP/2 nothing changes its meaning`(path: String) throws {
    _ = TranslationChecks.check(try #require(Files.read(path)))
}

@Test func `the corpora are there`() {
    #expect(inputs("http2").count >= 30 && inputs("translation").count >= 15)
}

@Test func `random frames and heads hold, too`() {
    var mutator = Mutator(seed: 11, dictionary: [], maximumByteCount: 512)
    let frames = inputs("http2").compactMap { Files.read($0) }.filter { $0.count < 512 }
    let heads = inputs("translation").compactMap { Files.read($0) }
    for _ in 0..<500 {
        _ = HTTP2Checks.check(mutator.mutate(pool: frames))
        _ = TranslationChecks.check(mutator.mutate(pool: heads))
    }
}
