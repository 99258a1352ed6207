import Testing

@testable import EtcdClient

/// What answers at an etcd's address may be anything.
struct EtcdPrefixTests {
    private static func answer(_ keys: [(key: String, revision: Int)], revision: Int = 5, more: Bool = false)
        -> EtcdAnswer?
    {
        let pairs = keys.map { #"{"key":"\#(base64($0.key))","value":"djE=","mod_revision":"\#($0.revision)"}"# }
        return EtcdAnswer(
            Array(
                #"{"header":{"revision":"\#(revision)"},"kvs":[\#(pairs.joined(separator: ","))],"more":\#(more)}"#.utf8
            ))
    }

    /// Of three bytes each.
    private static func base64(_ text: String) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let number = text.utf8.reduce(0) { $0 << 8 | Int($1) }
        return String([18, 12, 6, 0].map { digits[number >> $0 & 63] })
    }

    private static func taken(_ answers: [EtcdAnswer?]) throws -> [String] {
        var prefix = EtcdPrefix(below: Array("/a".utf8))
        for answer in answers { _ = try prefix.take(page: try #require(answer)) }
        return prefix.entries.values.keys.map { String(decoding: $0, as: UTF8.self) }.sorted()
    }

    @Test func `pages go on in the order of keys`() throws {
        let keys = try Self.taken([Self.answer([("/aa", 1), ("/ab", 5)], more: true), Self.answer([("/ac", 2)])])
        #expect(keys == ["/aa", "/ab", "/ac"])
    }

    @Test(arguments: [
        [answer([("/ab", 1)], more: true), answer([("/ab", 1)], more: true)],
        [answer([("/ab", 1)], more: true), answer([("/aa", 1)])],
        [answer([("/ab", 1), ("/ab", 1)])], [answer([("/ab", 1)], more: true), answer([], more: true)],
        [answer([], more: true)], [answer([("/zz", 1)])], [answer([("/ab", -1)])], [answer([("/ab", 0)])],
        [answer([("/ab", 1)], revision: -5)], [answer([], revision: 0)],
    ])
    func `pages that do not go on, and keys and revisions that none could have, are not etcd's`(answers: [EtcdAnswer?])
    {
        #expect(throws: EtcdPrefix.Mistake.self) { try Self.taken(answers) }
    }

    @Test func `a watch tells of nothing beyond its prefix`() throws {
        var prefix = EtcdPrefix(below: Array("/a".utf8))
        for type in ["PUT", "DELETE"] {
            let event = #"{"type":"\#(type)","kv":{"key":"\#(Self.base64("/zz"))","value":"","mod_revision":"2"}}"#
            let answer = try #require(
                EtcdAnswer(Array(#"{"result":{"header":{"revision":"2"},"events":[\#(event)]}}"#.utf8)))
            #expect(throws: EtcdPrefix.Mistake.self) { try prefix.take(watch: answer) }
        }
    }
}
