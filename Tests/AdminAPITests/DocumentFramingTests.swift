import Reconciliation
import Testing

@testable import AdminAPI

struct DocumentFramingTests {
    @Test func `documents come out as they went in`() throws {
        let documents = [
            AppliedFile(path: "a b%/ü.yaml", bytes: Array("x\n\n".utf8)), AppliedFile(path: "-", bytes: []),
            AppliedFile(path: "c", bytes: [0, 10, 255]),
        ]
        let bytes = DocumentFraming.encode(documents)
        #expect(try DocumentFraming.decode(bytes, limit: 3) == documents)
        #expect(throws: DocumentFraming.Mistake.tooMany(limit: 2)) { try DocumentFraming.decode(bytes, limit: 2) }
        #expect(try DocumentFraming.decode([], limit: 0) == [])
    }

    @Test(arguments: [
        "a", "a 1", "a 1\n", "a 1\nx", "a 2\nx\n", "a 1\nxy", "a -1\n\n", "a +1\nx\n", "a 1 1\nx\n",
        "%zz 1\nx\n", "a 9223372036854775807\nx\n", "a 99999999999999999999\nx\n", "a \n\n",
    ])
    func `anything else is refused`(text: String) {
        #expect(throws: DocumentFraming.Mistake.malformed) { try DocumentFraming.decode(Array(text.utf8), limit: 10) }
    }

    @Test(arguments: ["", "%0a", String(repeating: "a", count: 1025)])
    func `a name that is none is told to be that`(name: String) {
        #expect(throws: DocumentFraming.Mistake.badName) {
            try DocumentFraming.decode(Array("\(name) 1\nx\n".utf8), limit: 10)
        }
    }
}
