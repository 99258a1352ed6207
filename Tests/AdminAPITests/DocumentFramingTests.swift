import Testing

@testable import AdminAPI

struct DocumentFramingTests {
    @Test func `documents come out as they went in`() {
        let documents = [
            ManifestDocument(name: "a b%/ü.yaml", bytes: Array("x\n\n".utf8)), ManifestDocument(name: "-", bytes: []),
            ManifestDocument(name: "c", bytes: [0, 10, 255]),
        ]
        #expect(DocumentFraming.decode(DocumentFraming.encode(documents), limit: 3) == documents)
        #expect(DocumentFraming.decode(DocumentFraming.encode(documents), limit: 2) == nil)
        #expect(DocumentFraming.decode([], limit: 0) == [])
    }

    @Test(arguments: [
        "a", "a 1", "a 1\n", "a 1\nx", "a 2\nx\n", "a 1\nxy", "a -1\n\n", "a +1\nx\n", "a 1 1\nx\n", " 1\nx\n",
        "%0a 1\nx\n",
        "%zz 1\nx\n", "a 9223372036854775807\nx\n", "a 99999999999999999999\nx\n", "a \n\n",
    ])
    func `anything else is refused`(text: String) {
        #expect(DocumentFraming.decode(Array(text.utf8), limit: 10) == nil)
    }
}
