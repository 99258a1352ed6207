import ConfigFixtures
import ConfigValues
import Testing

struct JSONWritingTests {
    private static let origin = TextOrigin(layer: "test", file: "test.json")

    private func read(_ text: String) throws -> ConfigValue {
        try JSONReader.read(Array(text.utf8).span, of: Self.origin)
    }

    @Test func `keys stand in the order of their bytes, without blanks`() throws {
        let value = try read(#"{ "b": [1, {}, []], "a": null, "é": true, "Z": "x\u0007\u009b" }"#)
        #expect(
            String(decoding: value.json(), as: UTF8.self) == #"{"Z":"x\u0007\u009b","a":null,"b":[1,{},[]],"é":true}"#)
    }

    @Test func `pretty output is indented by two spaces`() throws {
        let text = """
            {
              "a": [
                1,
                {
                  "b": false
                }
              ],
              "c": []
            }
            """
        #expect(String(decoding: try read(text).json(.pretty), as: UTF8.self) == text)
    }

    @Test(arguments: [
        (ConfigNumber.fraction(1e-7), "1e-7"), (.fraction(1e20), "1e20"), (.fraction(2), "2"),
        (.integer(.min), "-9223372036854775808"),
        (.fraction(0x1p63), "9.223372036854776e18"), (.fraction(-0.0), "0"), (.fraction(1.1), "1.1"),
        (.fraction(.leastNonzeroMagnitude), "5e-324"),
        (.fraction(0.0001), "0.0001"), (.fraction(-1.5e300), "-1.5e300"),
        (.fraction(.greatestFiniteMagnitude), "1.7976931348623157e308"),
    ])
    func `a number is written as shortly as it can be`(number: ConfigNumber, text: String) throws {
        #expect(number.text == text)
        #expect(try read(text).content.number == number)
    }

    @Test func `what is written is read again as the same`() throws {
        var random = RandomConfig(seed: 7)
        for _ in 0..<2_000 {
            let value = random.value()
            for style in [ConfigValue.JSONStyle.compact, .pretty] {
                let again = try JSONReader.read(value.json(style).span, of: Self.origin)
                #expect(again == value)
                #expect(again.json() == value.json())
            }
        }
    }
}

extension ConfigValue.Content {
    fileprivate var number: ConfigNumber? {
        if case .number(let number) = self { number } else { nil }
    }
}
