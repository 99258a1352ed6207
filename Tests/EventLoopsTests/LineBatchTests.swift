import Testing

@testable import EventLoops

struct LineBatchTests {
    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    private static func text(_ batch: LineBatch) -> String { String(decoding: batch.unwritten, as: UTF8.self) }

    @Test func `of a line that was begun the rest is kept, and of the others their number`() {
        var batch = LineBatch(Self.bytes("one\ntwo\nthree\nfour\n"))
        batch.wrote(6)
        #expect(batch.hasBegunLine)
        let lost = batch.giveUp(keepsBegun: true)
        #expect(lost == 2)
        #expect(Self.text(batch) == "o\n")
        batch.append(Self.bytes("five\n"))
        #expect(Self.text(batch) == "o\nfive\n")
        batch.wrote(2)
        #expect(!batch.hasBegunLine)
        batch.wrote(5)
        #expect(batch.isEmpty)
    }

    @Test func `where no line was begun, or nobody has its beginning, nothing is kept`() {
        var batch = LineBatch(Self.bytes("one\ntwo\n"))
        batch.wrote(4)
        #expect(!batch.hasBegunLine)
        let lost = batch.giveUp(keepsBegun: true)
        #expect(lost == 1 && batch.isEmpty)

        batch = LineBatch(Self.bytes("one\ntwo\n"))
        batch.wrote(1)
        let all = batch.giveUp(keepsBegun: false)
        #expect(all == 2 && batch.isEmpty && !batch.hasBegunLine)
    }

    @Test func `what is begun stays begun, however little of it can be written at a time`() {
        var batch = LineBatch(Self.bytes("abcdef\n"))
        var written = 0
        for _ in 0..<6 {
            batch.wrote(1)
            written += 1
            #expect(batch.hasBegunLine)
            let lost = batch.giveUp(keepsBegun: true)
            #expect(lost == 0)
        }
        batch.wrote(1)
        #expect(batch.isEmpty && !batch.hasBegunLine)
    }
}
