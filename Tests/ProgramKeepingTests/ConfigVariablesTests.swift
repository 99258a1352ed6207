import ConfigValues
import Testing

@testable import ProgramKeeping

/// What values are called as variables, and what they are.
struct ConfigVariablesTests {
    private func entries(_ json: String, prefix: String = "") throws -> [String] {
        try ConfigVariables([("shop/web", value(json))], prefix: prefix).all.map {
            String(decoding: $0.entry, as: UTF8.self)
        }
    }

    private func mistakes(_ configs: (String, String)..., longest: Int = 1_000) throws -> [String] {
        do throws(InvalidVariables) {
            let values = configs.map { name, json in (name: name, value: try! value(json)) }
            _ = try ConfigVariables(values, longest: longest)
            return []
        } catch {
            return error.mistakes
        }
    }

    @Test func `the keys on the way are joined, in capitals, and what no name has is an underscore`() throws {
        #expect(
            try entries(#"{"database":{"host":"db1","pool-size":4},"log.level":"info","caf\u00e9":"x","A_b9":true}"#)
                == [
                    "A_B9=true", "CAF_=x", "DATABASE_HOST=db1", "DATABASE_POOL_SIZE=4", "LOG_LEVEL=info",
                ])
        #expect(try entries(#"{"database":{"host":"db1"}}"#, prefix: "App_") == ["App_DATABASE_HOST=db1"])
        // Each scalar is one, whatever it looks like with others.
        #expect(try entries(#"{"e\u0301":1,"\ud83d\ude00":2}"#) == ["E_=1", "_=2"])
    }

    @Test func `texts stay as they are, lists are JSON, null is none, and so is a map without anything`() throws {
        #expect(
            try entries(
                #"{"a":"x y\n$z","b":1.50,"c":false,"d":[1,"two",{"x":null}],"e":null,"f":{},"g":"","h":1e30}"#) == [
                    "A=x y\n$z", "B=1.5", "C=false", #"D=[1,"two",{"x":null}]"#, "G=", "H=1e30",
                ])
    }

    @Test func `two paths of one name are a mistake, in one config and in two`() throws {
        #expect(
            try mistakes(("shop/web", #"{"a":{"b":1},"a_b":2}"#)) == [
                "a.b of Config shop/web and a_b of Config shop/web are both the variable A_B: rename one of the two"
            ])
        #expect(
            try mistakes(("shop/web", #"{"a":1}"#), ("shop/all", #"{"A":2,"b":3}"#)) == [
                "a of Config shop/web and A of Config shop/all are both the variable A: rename one of the two"
            ])
        // What is no variable takes no name.
        #expect(try mistakes(("shop/web", #"{"a":{"b":null},"a_b":2}"#)).isEmpty)
    }

    @Test func `what no variable can hold is told without its value`() throws {
        let told = try mistakes(
            ("shop/web", #"{"a":"se\u0000cret","b":"\#(String(repeating: "s", count: 998))","":1}"#))
        #expect(told.count == 3 && !told.contains { $0.contains("se") && $0.contains("cret") && !$0.contains("NUL") })
        #expect(told.contains("a of Config shop/web is a text with a NUL byte, which no variable can hold"))
        #expect(
            told.contains(
                "b of Config shop/web takes 1001 bytes as the variable B, of which the kernel takes 1000: have the program read it at config.mesh"
            ))
        #expect(try mistakes(("shop/web", #"{"b":"\#(String(repeating: "s", count: 997))"}"#)).isEmpty)
        #expect(told.contains { $0.contains("has no name as a variable") })
    }

    @Test func `of many mistakes the first are told, and how many there are`() throws {
        let keys = (0..<30).map { #""k\#($0)":"\u0000""# }.joined(separator: ",")
        #expect(throws: InvalidVariables.self) { try ConfigVariables([("shop/web", value("{\(keys)}"))]) }
        let lines = InvalidVariables(Array(repeating: "x", count: 30)).description.split(separator: "\n")
        #expect(lines.count == 21 && lines.last == "and 10 more")
    }
}
