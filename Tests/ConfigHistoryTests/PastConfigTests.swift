import CommonValues
import ConfigMerging
import ConfigValues
import Diagnostics
import Testing

@testable import ConfigHistory

struct PastConfigTests {
    private static let heading = PastHeading(
        revision: String(repeating: "ab", count: 32), firstAt: UnixTime(microseconds: 1_234_567),
        lastAt: UnixTime(microseconds: -5), changeCount: 3)

    /// All that a recipe can have.
    private static func rich() throws -> EvaluatedConfig {
        let position = SourcePosition(file: "mesh.yaml", line: 7, column: 9)
        return try HistoryWorld.evaluated(
            [
                (
                    "shop/base",
                    #"{"a":{"b":[1,-2.5,"x",null,true,{"c":{}}]},"items":[{"id":"one","v":1}],"\u00e9":"e\u0301"}"#,
                    false
                ),
                ("shop/more", #"{"a":{"d":"${a.b.2}"},"items":[{"id":"two"}],"gone":null,"pass":"hunter2"}"#, true),
            ],
            defaults: #"{"gone":1,"big":9223372036854775807,"small":1e-7}"#,
            fallbacks: [ConfigFallback(path: ConfigPath(["f"]), from: [ConfigPath(["pass"])], position: position)],
            mergeKeys: [.init(path: ConfigPath(["items"]), key: "id")])
    }

    private static func bytes() throws -> [UInt8] {
        try #require(PastConfig(heading, rich().recipe).encoded(limit: 1 << 20))
    }

    @Test func `a value is made again of what is kept, with all that is known of it`() throws {
        let evaluated = try Self.rich()
        let past = try #require(PastConfig(decoding: try Self.bytes()))
        #expect(past.heading == Self.heading)
        #expect(PastConfig.heading(decoding: try Self.bytes()) == Self.heading)
        let again = try past.evaluated()
        #expect(again.value.isExactly(evaluated.value))
        #expect(ConfigRevision.of(again.value) == ConfigRevision.of(evaluated.value))
        for path in [["a", "d"], ["f"], ["gone"], ["items", "0", "v"], ["big"]].map({ ConfigPath($0) }) {
            let (before, after) = (evaluated.explanation(of: path), again.explanation(of: path))
            #expect(before.steps.map(\.path) == after.steps.map(\.path))
            #expect(before.steps.map { $0.overridden.map(\.origin) } == after.steps.map { $0.overridden.map(\.origin) })
            #expect(evaluated.paths(behind: path) == again.paths(behind: path))
        }
    }

    @Test func `no damage is believed, and none crashes`() throws {
        let bytes = try Self.bytes()
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x81
            #expect(PastConfig(decoding: damaged) == nil)
            #expect(PastConfig.heading(decoding: damaged) == nil)
            #expect(PastConfig(decoding: Array(bytes[..<index])) == nil)
        }
    }

    @Test func `what takes more than its limit is nothing`() throws {
        let past = PastConfig(Self.heading, try Self.rich().recipe)
        let count = try Self.bytes().count
        #expect(past.encoded(limit: count) != nil)
        #expect(past.encoded(limit: 100) == nil)
    }

    // MARK: What is shown of it

    private func shown(
        _ sources: [(name: String, json: String, isSecret: Bool)], now: [(name: String, json: String)] = [],
        names: Set<String> = []
    ) throws -> String {
        let past = PastConfig(Self.heading, try HistoryWorld.evaluated(sources).recipe)
        let layers = try HistoryWorld.evaluated(now.map { ($0.name, $0.json, true) }).recipe.layers
        let evaluated = try past.evaluated(hiding: SecretsNow(names: names.union(now.map(\.name)), layers: layers))
        return String(decoding: evaluated.value.redacted.json(), as: UTF8.self)
    }

    @Test func `what was secret then is secret`() throws {
        #expect(try shown([("shop/a", #"{"p":"x","q":1}"#, true)]) == #"{"p":"(secret)","q":"(secret)"}"#)
    }

    @Test func `what is of a source that is secret now is secret, with all that was made of it`() throws {
        #expect(
            try shown(
                [("shop/a", #"{"p":"x"}"#, false), ("shop/b", #"{"q":"is ${p}","r":"${p}","s":1}"#, false)],
                names: ["shop/a"]) == #"{"p":"(secret)","q":"(secret)","r":"(secret)","s":1}"#)
    }

    @Test func `a source that was renamed as it became secret hides what stood in its places`() throws {
        #expect(
            try shown(
                [("shop/old", #"{"db":{"pass":"x","port":1},"url":"://${db.pass}"}"#, false)],
                now: [("shop/new", #"{"db":{"pass":"y"}}"#)])
                == #"{"db":{"pass":"(secret)","port":1},"url":"(secret)"}"#)
    }

    @Test func `what stood above or below what is secret now is hidden, and a list as a whole`() throws {
        #expect(
            try shown([("shop/old", #"{"p":{"q":1}}"#, false)], now: [("shop/n", #"{"p":"y"}"#)])
                == #"{"p":{"q":"(secret)"}}"#)
        #expect(
            try shown([("shop/old", #"{"p":1}"#, false)], now: [("shop/n", #"{"p":{"q":"y"}}"#)])
                == #"{"p":"(secret)"}"#)
        #expect(
            try shown([("shop/old", #"{"p":[1,{"q":2}]}"#, false)], now: [("shop/n", #"{"p":["y"]}"#)])
                == #"{"p":["(secret)",{"q":"(secret)"}]}"#)
    }

    @Test func `a secret source that says nothing now hides nothing by its places`() throws {
        #expect(try shown([("shop/old", #"{"p":1}"#, false)], now: [("shop/n", "{}")]) == #"{"p":1}"#)
    }

    @Test func `while a secret source cannot be read, all of sources that are no more is hidden`() throws {
        let past = PastConfig(
            Self.heading,
            try HistoryWorld.evaluated(
                [("shop/old", #"{"p":"x"}"#, false), ("shop/open", #"{"q":"y"}"#, false)], defaults: #"{"d":1}"#
            ).recipe)
        func shown(_ secrets: SecretsNow) throws -> String {
            String(decoding: try past.evaluated(hiding: secrets).value.redacted.json(), as: UTF8.self)
        }
        let now = SecretsNow(names: ["shop/new"], openNames: ["shop/open"])
        let hidden = #"{"d":1,"p":"(secret)","q":"y"}"#
        #expect(try shown(now.before(["shop/new", "shop/open"])) == hidden)
        let known = try HistoryWorld.evaluated([("shop/new", #"{"r":1}"#, true)]).recipe.layers
        let heard = SecretsNow(names: ["shop/new"], openNames: ["shop/open"], layers: known)
        #expect(try shown(heard) == #"{"d":1,"p":"x","q":"y"}"#)
        // What was heard of a source counts as long as it is one.
        #expect(try shown(heard.before(["shop/new", "shop/open"])) == #"{"d":1,"p":"x","q":"y"}"#)
        #expect(
            try shown(
                SecretsNow(names: ["shop/new", "shop/more"], openNames: ["shop/open"], layers: known).before([
                    "shop/new", "shop/more",
                ])) == hidden)
    }

    @Test func `a value that is overridden is hidden, too`() throws {
        let evaluated = try HistoryWorld.evaluated([("shop/a", #"{"p":"x"}"#, false), ("shop/b", #"{"p":"y"}"#, false)])
        let past = try PastConfig(Self.heading, evaluated.recipe).evaluated(hiding: SecretsNow(names: ["shop/a"]))
        #expect(past.value.redacted == evaluated.value)
        let over = past.explanation(of: ConfigPath(["p"])).steps[0].overridden
        #expect(over.map(\.origin.isSecret) == [true])
    }
}
