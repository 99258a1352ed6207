import ConfigMerging
import ConfigValues
import Testing

/// What users of Go Micro's config rely on, what they call bugs, and where Heddle differs: docs/from-go-micro.md.
@Suite struct GoMicroCasesTests {
    @Test func `what the environment says stands over a file, and leaves the file's other keys`() throws {
        let file = #"{"amqp": {"host": "rabbit.platform", "port": 80}, "handler": {"exchange": "springCloudBus"}}"#
        let sample = try Sample(["file": file, "environment": "amqp: {host: rabbit.testing.com}"])
        #expect(
            try sample.value
                == #"{"amqp":{"host":"rabbit.testing.com","port":80},"handler":{"exchange":"springCloudBus"}}"#)
        // In the other order the file's host counts, and the port is there as well.
        let other = try Sample(["environment": "amqp: {host: rabbit.testing.com}", "file": file])
        #expect(try other.evaluated().value[ConfigPath(["amqp"])]?.text == #"{"host":"rabbit.platform","port":80}"#)
    }

    @Test func `values are found by their path, beside a source that has nothing`() throws {
        var sample = try Sample(["a": #"{"foo": "bar", "baz": {"bar": "cat"}}"#, "b": "{}"])
        sample.recipe.layers.append(ConfigLayer(name: "c", tree: nil))
        let value = try sample.evaluated().value
        #expect(value[ConfigPath(["foo"])]?.text == #""bar""#)
        #expect(value[ConfigPath(["baz", "bar"])]?.text == #""cat""#)
        #expect(value[ConfigPath(["baz", "bar", "more"])] == nil)
    }

    @Test func `a hundred sources that come one after the other are all there`() throws {
        var recipe = ConfigRecipe(layers: (0..<100).map { ConfigLayer(name: "s\($0)", tree: nil) })
        var config = try EvaluatedConfig(recipe)
        for index in 0..<100 {
            recipe.layers[index] = try Trees.layer("s\(index)", "key\(index): val\(index)")
            config = try EvaluatedConfig(recipe, after: config)
        }
        #expect(config.value.map?.count == 100)
        for index in 0..<100 { #expect(config.value.map?["key\(index)"]?.string == "val\(index)") }
    }

    @Test func `empty values replace others as all do`() throws {
        let base = "{flag: true, count: 7, name: text, list: [1, 2], map: {a: 1}}"
        #expect(
            try Sample(["a": base, "b": "{flag: false, count: 0, name: '', list: [], map: {}}"]).value
                == #"{"count":0,"flag":false,"list":[],"map":{"a":1},"name":""}"#)
    }

    @Test func `null removes instead of leaving a null, or nothing at all, behind`() throws {
        #expect(try Sample(["a": "{a: 1, b: 2, m: {x: 1}}", "b": "{a: null, m: null}"]).value == #"{"b":2}"#)
    }

    @Test func `lists are replaced, neither appended to nor merged by index`() throws {
        #expect(try Sample(["a": "l: [1, 2, 3]", "b": "l: [x]"]).value == #"{"l":["x"]}"#)
        #expect(try Sample(["a": "l: [{a: 1, b: 2}]", "b": "l: [{a: 3}]"]).value == #"{"l":[{"a":3}]}"#)
    }

    /// There the map is dropped without a word in one case, and the map replaced in the other.
    @Test func `a map and a scalar for one key are refused, whichever comes first`() throws {
        #expect(
            try Sample(["a": "broker: nats", "b": "broker: {address: x}"]).mistakes == [
                "b.yaml:1:10: config.type-clash"
            ]
        )
        #expect(
            try Sample(["a": "broker: {address: x}", "b": "broker: nats"]).mistakes == ["b.yaml:1:9: config.type-clash"]
        )
    }

    @Test func `keys in upper and lower case are two`() throws {
        #expect(try Sample(["a": "Key: 1", "b": "key: 2"]).value == #"{"Key":1,"key":2}"#)
    }

    @Test func `a list of maps is there as it was written`() throws {
        #expect(try Sample(["a": #"{"items": [{"foo": "bar"}]}"#]).value == #"{"items":[{"foo":"bar"}]}"#)
    }

    @Test func `a config that is a list as a whole is refused`() throws {
        #expect(try Sample(["a": #"[{"foo": "bar"}]"#]).mistakes == ["a.yaml:1:1: config.not-a-map"])
    }

    // MARK: References, which are variables of the environment there

    @Test(arguments: ["myBar", "MYBAR", "my_Bar", "myBar_"])
    func `what a reference names takes its place`(name: String) throws {
        let sample = try Sample(["a": #"{"foo": "bar", "baz": {"bar": "${\#(name)}"}, "\#(name)": "cat"}"#])
        #expect(try sample.evaluated().value[ConfigPath(["baz", "bar"])]?.text == #""cat""#)
    }

    @Test(arguments: ["$sss}", "{something}", "$", "$$", "a$b"])
    func `what looks like a reference and is none is a text`(text: String) throws {
        #expect(try Sample(["a": #"{"bar": "\#(text)"}"#]).value == #"{"bar":"\#(text)"}"#)
    }

    /// There they are left as they are, and a name that is not set becomes an empty text.
    @Test func `a reference that is none, or leads nowhere, is refused`() throws {
        #expect(try Sample(["a": "bar: '${}'"]).mistakes == ["a.yaml:1:6: config.broken-reference"])
        #expect(try Sample(["a": "bar: '${sss'"]).mistakes == ["a.yaml:1:6: config.broken-reference"])
        #expect(try Sample(["a": "bar: '${myBar-}'"]).mistakes == ["a.yaml:1:6: config.unknown-reference"])
        #expect(try Sample(["a": "{bar: '${myBar-}', myBar-: cat}"]).value == #"{"bar":"cat","myBar-":"cat"}"#)
        #expect(try Sample(["a": "bar: '${notSet}'"]).mistakes == ["a.yaml:1:6: config.unknown-reference"])
    }

    @Test func `the text itself can be had`() throws {
        #expect(try Sample(["a": "bar: '$${m_var}'"]).value == #"{"bar":"${m_var}"}"#)
    }

    /// There the text of the whole config is searched and then read: a value can be more than a value.
    @Test func `what takes a reference's place is a value, whatever is in it`() throws {
        let sample = try Sample([
            "a": #"{"x": "\", \"admin\": true, \"y\": \"", "name": "is ${x}", "z": "$${name}", "w": "${z}"}"#
        ])
        let value = try sample.evaluated().value
        #expect(value.map?.entries.map(\.key) == ["name", "w", "x", "z"])
        #expect(value.map?["name"]?.string == #"is ", "admin": true, "y": ""#)
        #expect(value.map?["w"]?.string == "${name}")
    }
}
