import ConfigMerging
import ConfigValues
import Testing

@Suite struct ExplanationTests {
    private func sample() throws -> Sample {
        try Sample(
            [
                "base": "db: {host: b, port: 1}\nl: [{a: 1}, {a: 2}]\npass: b", "vault": "pass: v\ndb: {port: null}",
                "top": "db: {host: t}\nl: [{b: 3}]\nurl: 'x${db.host}:${pass}'\ncopy: ${db}",
            ], secret: ["vault"], defaults: "db: {host: d, port: 0}\npass: d"
        ).falling("db.port", to: "no", "ports.db").falling("ports.db", to: "db.host").falling("late", to: "url")
    }

    @Test func `a value has its source, and all that it overrode from the lowest on`() throws {
        let sample = try sample()
        #expect(
            try sample.explained("db.host") == [
                #"db.host: "t" top.yaml:1:12 <- "d" defaults.yaml:1:12 <- "b" base.yaml:1:12"#
            ])
        #expect(
            try sample.explained("pass") == [
                #"pass: "(secret)" vault.yaml:1:7 <- "d" defaults.yaml:2:7 <- "b" base.yaml:3:7"#
            ])
    }

    @Test func `a map has all that it was merged from`() throws {
        #expect(
            try sample().explained("db") == [
                #"db: {"host":"d","port":0} defaults.yaml:1:6 + {"host":"b","port":1} base.yaml:1:6 + {"port":"(secret)"} vault.yaml:2:6 + {"host":"t"} top.yaml:1:6"#
            ])
    }

    @Test func `what is removed says by whom, and what it was`() throws {
        #expect(
            try sample().explained("db.port") == [
                "db.port: nothing <- 0 defaults.yaml:1:21 <- 1 base.yaml:1:21 <- null in db.port vault.yaml:2:12"
            ])
        let sample = try Sample(["a": "m: {x: 1}", "b": "m: null", "c": "m: {y: 2}"])
        #expect(try sample.explained("m.x") == ["m.x: nothing <- 1 a.yaml:1:8 <- null in m b.yaml:1:4"])
        #expect(try sample.explained("m.y") == ["m.y: 2 c.yaml:1:8"])
        #expect(try sample.explained("m.z") == ["m.z: nothing"])
    }

    @Test func `a list takes the place of another with all that is in it`() throws {
        let sample = try sample()
        #expect(
            try sample.explained("l.0.a") == ["l.0.a: nothing <- 1 base.yaml:2:9 <- another value in l top.yaml:2:4"])
        #expect(
            try sample.explained("l.1") == [
                #"l.1: nothing <- {"a":2} base.yaml:2:14 <- another value in l top.yaml:2:4"#
            ])
        #expect(try sample.explained("l.0.b") == ["l.0.b: 3 top.yaml:2:9"])
    }

    @Test func `items of a list with a merge key are told by their key, wherever they stand`() throws {
        let sample = try Sample(["a": "s: [{n: x, v: 1}, {n: y, v: 2}]", "b": "s: [{n: y, v: 3}]"]).merging(
            "s", by: "n")
        #expect(try sample.explained("s.1.v") == ["s.1.v: 3 b.yaml:1:15 <- 2 a.yaml:1:29"])
        #expect(try sample.explained("s.0.v") == ["s.0.v: 1 a.yaml:1:15"])
        #expect(try sample.explained("s.1") == [#"s.1: {"n":"y","v":2} a.yaml:1:20 + {"n":"y","v":3} b.yaml:1:6"#])
    }

    @Test func `a reference says where it stands, and what it leads to says where that is from`() throws {
        let sample = try sample()
        #expect(
            try sample.explained("copy.host") == [
                "copy.host: reference in copy at top.yaml:4:7 to db.host",
                #"db.host: "t" top.yaml:1:12 <- "d" defaults.yaml:1:12 <- "b" base.yaml:1:12"#,
            ])
        let url = try sample.explained("url")
        #expect(url[0] == "url: text at top.yaml:3:6 with db.host, pass")
        #expect(url.dropFirst().map { $0.prefix { $0 != ":" } } == ["db.host", "pass"])
    }

    @Test func `a fallback says which it is, and where it took the value`() throws {
        let sample = try sample()
        #expect(
            try sample.explained("ports.db") == [
                "ports.db: fallback at config.yaml:2:1 from db.host",
                #"db.host: "t" top.yaml:1:12 <- "d" defaults.yaml:1:12 <- "b" base.yaml:1:12"#,
            ])
        #expect(
            try sample.explained("late").prefix(2) == [
                "late: fallback at config.yaml:3:1 from url", "url: text at top.yaml:3:6 with db.host, pass",
            ])
        #expect(
            try sample.evaluated().paths(behind: ConfigPath(dotted: "late")).map(\.dotted)
                == ["late", "url", "db.host", "pass"])
    }

    @Test func `a reference over a map says what the map had`() throws {
        let sample = try Sample(["a": "m: {x: 1}\no: {x: 2}", "b": "m: ${o}"])
        #expect(
            try sample.explained("m.x") == [
                "m.x: reference in m at b.yaml:1:4 to o.x <- 1 a.yaml:1:8 <- another value in m b.yaml:1:4",
                "o.x: 2 a.yaml:2:8",
            ])
        #expect(
            try sample.explained("m")[0] == #"m: reference in m at b.yaml:1:4 to o <- {"x":1} a.yaml:1:5"#)
    }

    @Test func `an item that is null stands there, and gives nothing`() throws {
        let sample = try Sample(["a": "l: [null, 1]\nv: 2"]).falling("l.0", to: "v").falling("w", to: "l.0", "l.1")
        #expect(try sample.value == #"{"l":[null,1],"v":2,"w":1}"#)
        #expect(try sample.explained("l.0") == ["l.0: null a.yaml:1:5"])
    }

    @Test func `what a layer had below a map is told of, though a list with a merge key stands there now`() throws {
        let layers: KeyValuePairs = ["a": "s: {b: [1]}", "b": "s: null", "c": "s: [{n: x, b: 1}]"]
        let sample = try Sample(layers).merging("s", by: "n")
        #expect(try sample.explained("s.b.0") == ["s.b.0: nothing <- 1 a.yaml:1:9 <- null in s b.yaml:1:4"])
    }
}
