import Diagnostics
import Testing

@testable import Manifests

private func workers(_ value: String) -> [String] {
    ManifestDecoder.decode(Array(manifest("Mesh", "proxy: {workers: \(value)}").utf8), path: "f.yaml").diagnostics.map {
        "\($0.code.rawValue.dropFirst(9)): \($0.remedy)"
    }
}

@Test func `a number is decimal digits and nothing else`() {
    #expect(workers("8") == [])
    #expect(workers("\"8\"") == ["wrong-type: remove the quotation marks: 8"])
    #expect(workers("010") == ["invalid-value: remove the leading zeros: some tools would read the number as octal"])
    for text in ["0x8", "8.0", "1e1", "+8", "1_0", "eight", "true", "[8]", "0o7"] {
        #expect(workers(text).count == 1, "\(text)")
        #expect(workers(text).first?.hasPrefix("wrong-type") == true, "\(text)")
    }
    for text in ["0", "257", "-1", "99999999999999999999999"] {
        #expect(workers(text) == ["out-of-range: choose a number from 1 to 256"])
    }
}

@Test func `a port in quotation marks is an error that says so`() {
    let text = manifest("Gateway", "listeners: [{name: a, port: \"8080\", protocol: HTTP}]")
    let file = ManifestDecoder.decode(Array(text.utf8), path: "f.yaml")
    #expect(file.diagnostics.map(\.remedy) == ["remove the quotation marks: 8080"])
    #expect(file.diagnostics.map(\.found) == ["\"8080\""])
}

@Test func `a number or a truth value is no string`() {
    for value in ["1.0", "123", "true", "1e3", "0x1F"] {
        let text = manifest("Service", "hostnames: [\(value)]")
        let file = ManifestDecoder.decode(Array(text.utf8), path: "f.yaml")
        #expect(file.diagnostics.map(\.remedy) == ["put it in quotation marks: \"\(value)\""])
    }
}

@Test(arguments: [
    ("1h30m", 5_400_000), ("500ms", 500), ("0s", 0), ("1h1m1s1ms", 3_661_001), ("99999s", 99_999_000),
    ("10s10s", 20_000),
])
func `durations are those of GEP-2257`(text: String, milliseconds: Int) {
    #expect(Duration(manifest: text) == .milliseconds(milliseconds))
}

@Test(arguments: ["", "1", "s", "1.5s", "-1s", "100000s", "1d", "1us", "1h1m1s1ms1h", "1 s", "١s"])
func `what is no duration is refused`(text: String) {
    #expect(Duration(manifest: text) == nil)
}

@Test(arguments: ["1h30m", "500ms", "0s", "24h", "1m1ms"])
func `a duration is written as it was read`(text: String) {
    #expect(Duration(manifest: text)?.manifestText == text)
}

@Test func `a choice names what there is`() {
    let file = ManifestDecoder.decode(Array(manifest("Mesh", "proxy: {accessLog: all}").utf8), path: "f.yaml")
    #expect(file.diagnostics.map(\.expected) == ["one of \"None\", \"Failures\", \"All\""])
    #expect(file.diagnostics.map(\.remedy) == ["change it to \"All\""])
}

@Test(arguments: ["true", "1", "\"x\""])
func `what is no choice is none in quotation marks either`(value: String) {
    let file = ManifestDecoder.decode(Array(manifest("Mesh", "proxy: {accessLog: \(value)}").utf8), path: "f.yaml")
    #expect(file.diagnostics.map(\.remedy) == ["change it to one of \"None\", \"Failures\", \"All\""])
}

@Test func `text without limits is refused`() {
    let text = manifest(
        "HTTPRoute", "parentRefs: [{name: a}]\nrules: [{name: \(String(repeating: "x", count: 5_000))}]")
    #expect(mistakes(text) == ["manifest.out-of-range 6:18"])
    #expect(mistakes(manifest("Service", "hostnames: [\"a\\0b\"]")) == ["manifest.invalid-value 5:15"])
}
