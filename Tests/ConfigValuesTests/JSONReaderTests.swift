import ConfigValues
import Diagnostics
import Testing

/// What a text says, or all that is wrong with it.
private func read(
    _ text: String, isSecret: Bool = false, limits: ConfigLimits = ConfigLimits()
) -> Result<ConfigValue, InvalidText> {
    read(Array(text.utf8), isSecret: isSecret, limits: limits)
}

private func read(
    _ bytes: [UInt8], isSecret: Bool = false, limits: ConfigLimits = ConfigLimits()
) -> Result<ConfigValue, InvalidText> {
    let origin = TextOrigin(layer: "shop/base", file: "base.json", isSecret: isSecret)
    do throws(InvalidText) {
        return .success(try JSONReader.read(bytes.span, of: origin, limits: limits))
    } catch {
        return .failure(error)
    }
}

private func mistakes(_ text: String, isSecret: Bool = false, limits: ConfigLimits = ConfigLimits()) -> [String] {
    switch read(text, isSecret: isSecret, limits: limits) {
    case .success: []
    case .failure(let error): error.diagnostics.map(\.description)
    }
}

struct JSONReaderTests {
    @Test func `each value and each key has its place`() throws {
        let value = try read("{\n  \"é\": [1, \"ä\\n\"],\r\n\t\"b\" : {\"c\":true}\r}").get()
        let map = try #require(value.map)
        #expect(
            value.origin
                == ValueOrigin(
                    layer: "shop/base", position: SourcePosition(file: "base.json", line: 1, column: 1, length: 1)))
        #expect(map.entry("é")?.keyPosition == SourcePosition(file: "base.json", line: 2, column: 3, length: 3))
        let list = try #require(map["é"]?.list)
        #expect(list.map(\.origin.position.column) == [9, 12])
        #expect(list[1].origin.position.length == 5)
        #expect(map["b"]?.origin.position == SourcePosition(file: "base.json", line: 3, column: 8, length: 1))
        #expect(
            map["b"]?.map?["c"]?.origin.position == SourcePosition(file: "base.json", line: 3, column: 13, length: 4))
    }

    @Test func `what follows characters of several bytes is counted in characters`() throws {
        let value = try read(#"{"ключ\u0041🧶": 1, "x": 2}"#).get()
        #expect(value.map?["ключA🧶"]?.origin.position.column == 17)
        #expect(value.map?.entry("x")?.keyPosition?.column == 20)
    }

    @Test(
        arguments: [
            ("0", ConfigNumber.integer(0)), ("-0", .integer(0)), ("-0.0", .integer(0)), ("1.0", .integer(1)),
            ("1.10", .fraction(1.1)), ("1e3", .integer(1000)), ("1E-7", .fraction(1e-7)),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808.0", .fraction(0x1p63)), ("1e400e", nil), ("123.456e-789", .integer(0)),
        ] as [(String, ConfigNumber?)])
    func `a number is whole or the nearest fraction`(text: String, number: ConfigNumber?) {
        guard case .success(let value) = read(text), case .number(let read) = value.content else {
            #expect(number == nil)
            return
        }
        #expect(read == number)
    }

    @Test(arguments: [
        "9223372036854775808", "-9223372036854775809", "1e400", "-1e400", "123456789012345678901234567890",
    ])
    func `a number that fits nowhere is a mistake`(text: String) throws {
        let problem = try #require(mistakes("[0, \(text)]").first)
        #expect(problem.hasPrefix("base.json:1:5: error[format.number]: found the number \(text)"))
    }

    @Test func `all numbers and keys that cannot be are told of at once`() {
        #expect(
            mistakes("{\"a\": 1e999,\n \"b\": 1, \"a\": {\"c\":1,\"c\":2}, \"a\": 3}") == [
                "base.json:1:7: error[format.number]: found the number 1e999, expected a whole number from -2^63 to 2^63 - 1, or a fraction below 1.8e308",
                "base.json:2:10: error[format.duplicate-key]: found the key \"a\" a second time, expected each key once in a map",
                "base.json:2:22: error[format.duplicate-key]: found the key \"c\" a second time, expected each key once in a map",
                "base.json:2:30: error[format.duplicate-key]: found the key \"a\" a second time, expected each key once in a map",
            ])
    }

    @Test func `both places of a key are told`() throws {
        guard case .failure(let error) = read("{\"b\": 1,\n\"a\": 1, \"b\": 2}") else { throw CancellationError() }
        #expect(error.diagnostics.map(\.remedy) == ["remove this one, or the one on line 1, column 2"])
    }

    @Test func `keys that look alike are two`() throws {
        #expect(try read("{\"\u{E9}\": 1, \"e\u{301}\": 2, \"\\u00e9x\": 3}").get().map?.count == 3)
        #expect(mistakes("{\"\u{E9}\": 1, \"\\u00e9\": 2}").count == 1)
    }

    @Test(arguments: [
        ("", "1:1", "nothing", "a value"), (" \n", "2:1", "the end of the text", "a value"),
        ("[1, 2", "1:6", "the end of the text", #""," or "]""#), ("{\"a\" 1}", "1:6", #""1""#, #"":" after the key"#),
        ("{a: 1}", "1:2", #""a""#, "a key in double quotation marks"), ("[1,]", "1:4", #""]""#, "a value"),
        ("{\"a\":1,}", "1:8", #""}""#, "a key after the comma"), ("{\"a\":1 \"b\":2}", "1:8", #""\"""#, #""," or "}""#),
        ("[True]", "1:2", #""True""#, "a value"), ("[nul]", "1:2", #""nul""#, "a value"),
        ("NaN", "1:1", #""NaN""#, "a value"),
        ("nullx", "1:1", #""nullx""#, "a value"),
        ("-Infinity", "1:1", #""-" and then "I""#, "a digit"), ("0123", "1:1", #""0" and then "1""#, ""),
        ("0x1F", "1:1", #""0" and then "x""#, "the end of the number"),
        ("1_000", "1:1", #""1" and then "_""#, "the end of the number"),
        ("1.", "1:1", #""1." and then the end of the text"#, "a digit after the point"),
        (".5", "1:1", #"".""#, "a value"),
        ("+1", "1:1", #""+""#, "a value"), ("'a'", "1:1", #""'""#, "a value"), ("// x\n1", "1:1", #""/""#, "a value"),
        ("1 2", "1:3", #""2""#, "the end of the text"), ("\"a\nb\"", "1:3", "the end of the line within a text", ""),
        ("\"a\tb\"", "1:3", "a tab within a text", ""), ("\"é\\x\"", "1:3", "a backslash that escapes nothing", ""),
        ("\"\\ud83e\"", "1:2", "\\u without four digits, or half of a pair alone", ""),
        ("\"abc", "1:5", "the end of the text", ""),
        ("\u{FEFF}{}", "1:1", "a byte order mark", ""), ("[\u{0}]", "1:2", #""\0""#, "a value"),
    ])
    func `what is no JSON is told with its place`(text: String, place: String, found: String, expected: String) throws {
        let problems = mistakes(text)
        let problem = try #require(problems.first)
        #expect(problems.count == 1)
        #expect(problem.hasPrefix("base.json:\(place): error[format."))
        if text != "0123" { #expect(problem.contains("found \(found.printable), expected \(expected.printable)")) }
    }

    @Test func `what is not UTF-8 is told with its place`() throws {
        guard case .failure(let error) = read(Array("[\"é\",\n \"".utf8) + [0xED, 0xA0, 0x80, 0x22]) else {
            throw CancellationError()
        }
        #expect(error.diagnostics.first?.code == .formatEncoding)
        #expect(error.diagnostics.first?.position == SourcePosition(file: "base.json", line: 2, column: 3, length: 1))
        #expect(error.diagnostics.first?.found == "a byte that is not UTF-8 (0xED)")
        guard case .failure(let other) = read([0xFF, 0xFE, 0x5B, 0]) else { throw CancellationError() }
        #expect(other.diagnostics.first?.found == "UTF-16")
    }

    @Test(arguments: [
        "{\"password\": hunter2}", "{\"password\": \"hunter2\\q\"}", "[hunter2", "{\"a\": 77777777777777777777}",
        "{\"a\": \"hunter2\" hunter2}",
        "hunter2", "[00777]", "{\"a\": 1.hunter2}", "{hunter2: 1}",
    ])
    func `of what is secret nothing is shown but keys`(text: String) {
        let problems = mistakes(text, isSecret: true)
        #expect(problems.count == 1)
        #expect(problems.allSatisfy { !$0.contains("h") || !$0.contains("hunter") })
        #expect(problems.allSatisfy { !$0.contains("7777") && !$0.contains("\"h\"") && !$0.contains("\"1\"") })
    }

    @Test func `each limit is told of`() {
        var limits = ConfigLimits()
        (limits.depth, limits.valueCount, limits.byteCount) = (2, 4, 20)
        #expect(mistakes("[[]]", limits: limits).isEmpty)
        #expect(mistakes("[{\"a\":[]}]", limits: limits).first?.contains("1:7: error[format.too-deep]") == true)
        #expect(mistakes("[1,2,3]", limits: limits).isEmpty)
        #expect(mistakes("[1,2,3,4]", limits: limits).first?.contains("1:8: error[format.too-many-values]") == true)
        #expect(
            mistakes("[                    ]", limits: limits).first?.contains(
                "error[format.too-large]: found 22 bytes") == true)
    }

    @Test func `a hundred thousand brackets are refused at the sixty-fifth`() {
        let open = String(repeating: "[", count: 100_000)
        #expect(mistakes(open).first?.hasPrefix("base.json:1:65: error[format.too-deep]") == true)
        let keys = String(repeating: "{\"a\":", count: 100_000)
        #expect(mistakes(keys).first?.hasPrefix("base.json:1:321: error[format.too-deep]") == true)
    }

    @Test func `no more mistakes are kept than anybody reads`() {
        let text = "[" + String(repeating: "1e999,", count: 500) + "1]"
        #expect(mistakes(text).count == 100)
    }
}
