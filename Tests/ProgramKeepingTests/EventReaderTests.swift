import BlockingCalls
import ConfigValues
import Testing

@testable import ProgramKeeping

/// The stream of `config.mesh` as `heddle exec` reads it: nothing but what that writes, within bounds.
struct EventReaderTests {
    private func events(_ texts: [String], limit: Int = 100) throws -> [EventReader.Event] {
        var reader = EventReader(limit: limit)
        var events: [EventReader.Event] = []
        for text in texts { events += try reader.take(bytes(text).span) }
        return events
    }

    private let first = "id: t1\nevent: value\ndata: {\"a\":1}\n\n"

    @Test func `events are read however they are cut, and comments say nothing`() throws {
        let whole = EventReader.Event(id: "t1", name: "value", data: bytes("{\"a\":1}"))
        #expect(try events([":\n\n" + first + ":\n\n"]) == [whole])
        #expect(try events(first.map(String.init)) == [whole])
        #expect(try events([String(first.dropLast())]).isEmpty)
    }

    @Test(arguments: [
        "id: a\nid: b\n", "retry: 5\n", "id: a\ndata: 1\n\n", "data: {}\n\n", "id: a b\n", "id: \n", "x\n",
        "data: \(String(repeating: "x", count: 100))", "id: \(String(repeating: "x", count: 257))\n",
    ])
    func `what config.mesh does not write is no event`(text: String) {
        #expect(throws: BrokenAnswer.self) { try events([text, "\n"], limit: text.utf8.count > 200 ? 1_000 : 100) }
    }

    @Test func `values are taken whole, and then patch by patch; after a mistake whole again`() throws {
        var followed = FollowedValue("shop/web")
        func take(_ tag: String, _ name: String, _ data: String) throws {
            try followed.take(EventReader.Event(id: tag, name: name, data: bytes(data)))
        }
        #expect(throws: BrokenAnswer.self) { try take("t0", "patch", "[]") }
        try take("t1", "value", #"{"a":1,"b":[1]}"#)
        try take("t2", "patch", #"[{"op":"replace","path":"/a","value":2},{"op":"add","path":"/b/1","value":3}]"#)
        #expect(followed.tag == "t2")
        #expect(try followed.value == value(#"{"a":2,"b":[1,3]}"#))
        let wrong = [
            ("patch", #"[{"op":"remove","path":"/none"}]"#), ("patch", "{}"), ("value", "{"), ("reset", "{}"),
            ("value", #"{"a":1,"a":2}"#),
        ]
        for (name, data) in wrong {
            #expect(throws: BrokenAnswer.self) { try take("t3", name, data) }
            // What there was holds, and nobody says that he has it.
            #expect(try followed.tag == nil && followed.value == value(#"{"a":2,"b":[1,3]}"#))
        }
        try take("t4", "value", "{}")
        #expect(try followed.tag == "t4" && followed.value == value("{}"))
    }
}
