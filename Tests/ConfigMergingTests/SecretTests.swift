import ConfigMerging
import ConfigValues
import Testing

@Suite struct SecretTests {
    private func shown(_ sample: Sample) throws -> String { try sample.evaluated().value.redacted.text }

    @Test func `a text with a secret in it is secret, through any number of references`() throws {
        let sample = try Sample(
            ["base": "url: 'x:${pass}@h'\nagain: '${url}/shop'\nlist: ['${again}', plain]", "vault": "pass: hunter2"],
            secret: ["vault"])
        #expect(
            try shown(sample)
                == #"{"again":"(secret)","list":["(secret)","plain"],"pass":"(secret)","url":"(secret)"}"#)
        #expect(try sample.value.contains("x:hunter2@h/shop"))
    }

    @Test func `a map is as secret as what is in it, where it is copied, too`() throws {
        let sample = try Sample(
            ["base": "db: {host: h}\ncopy: ${db}", "vault": "db: {pass: p}"], secret: ["vault"]
        ).falling("other", to: "db")
        let db = #"{"host":"h","pass":"(secret)"}"#
        #expect(try shown(sample) == #"{"copy":\#(db),"db":\#(db),"other":\#(db)}"#)
    }

    @Test func `what a reference in a secret source leads to is secret there, and not where it is from`() throws {
        let sample = try Sample(
            ["base": "db: {host: h, ports: [1]}", "vault": "copy: ${db}\nport: ${db.ports.0}"], secret: ["vault"])
        #expect(
            try shown(sample)
                == #"{"copy":{"host":"(secret)","ports":["(secret)"]},"db":{"host":"h","ports":[1]},"port":"(secret)"}"#
        )
    }

    @Test func `items that are merged are secret value by value`() throws {
        let sample = try Sample(
            ["base": "s: [{n: a, host: h}]", "vault": "s: [{n: a, pass: p}, {n: b}]"], secret: ["vault"]
        ).merging("s", by: "n")
        #expect(try shown(sample) == #"{"s":[{"host":"h","n":"(secret)","pass":"(secret)"},{"n":"(secret)"}]}"#)
    }

    @Test func `a removed secret is secret where it is told of`() throws {
        let sample = try Sample(["vault": "db: {pass: p}", "top": "db: null"], secret: ["vault"])
        #expect(
            try sample.explained("db.pass") == [
                #"db.pass: nothing <- "(secret)" vault.yaml:1:12 <- null in db top.yaml:1:5"#
            ])
        #expect(
            try sample.explained("db") == [
                #"db: nothing <- {"pass":"(secret)"} vault.yaml:1:6 <- null in db top.yaml:1:5"#
            ])
    }

    @Test func `a public source that says it again makes it public, and the other way round`() throws {
        #expect(try shown(Sample(["vault": "a: p", "base": "a: q"], secret: ["vault"])) == #"{"a":"q"}"#)
        #expect(try shown(Sample(["base": "a: q", "vault": "a: p"], secret: ["vault"])) == #"{"a":"(secret)"}"#)
    }

    @Test func `whether there is a secret in it can be asked`() throws {
        let value = try Sample(["base": "a: {b: 1}\ne: {}", "vault": "c: [{d: 1}]\nf: []"], secret: ["vault"])
            .evaluated().value
        let holding = value.map?.entries.filter(\.value.holdsSecrets).map(\.key)
        #expect(holding == ["c", "f"])
    }
}
