import ConfigValues
import Diagnostics
import Testing

@Suite struct ConfigMapTests {
    private func value(_ text: String) -> ConfigValue {
        ConfigValue(.string(text), origin: ValueOrigin(layer: "test", position: .place("here")))
    }

    @Test func keysAreToldApartByTheirBytes() throws {
        // Both are "é": one scalar, or two. To Swift the strings are equal, to a config they are not.
        let map = ConfigMap([.init("e\u{301}", value("two")), .init("\u{e9}", value("one"))])
        #expect(map?.count == 2)
        #expect(map?["\u{e9}"] == value("one"))
        #expect(ConfigMap([.init("\u{e9}", value("one"))])?["e\u{301}"] == nil)
        #expect(value("\u{e9}") != value("e\u{301}"))
    }

    @Test func aKeyIsThereOnce() {
        #expect(ConfigMap([.init("a", value("1")), .init("a", value("2"))]) == nil)
        var map = ConfigMap()
        for key in ["b", "a", "c", "b"] { map[key] = value(key) }
        #expect(map.entries.map(\.key) == ["a", "b", "c"])
        map["b"] = nil
        #expect(map.entries.map(\.key) == ["a", "c"])
    }
}
