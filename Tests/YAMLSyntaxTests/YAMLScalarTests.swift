import Testing

@testable import YAMLSyntax

private func kind(_ text: String) -> YAMLScalar.Kind { YAMLScalar(text: text, isPlain: true).kind }

@Test(arguments: ["", "~", "null", "Null", "NULL"])
func `plain nulls`(text: String) { #expect(kind(text) == .null) }

@Test(arguments: [
    "0", "-1", "+12", "0x1F", "0o17", "1.5", ".5", "5.", "1e3", "-1.5E-10", ".inf", "-.INF", ".nan", "007",
])
func `plain numbers`(text: String) { #expect(kind(text) == .number) }

@Test func `plain truth values`() {
    for text in ["true", "True", "TRUE"] { #expect(kind(text) == .boolean(true)) }
    for text in ["false", "False", "FALSE"] { #expect(kind(text) == .boolean(false)) }
}

@Test(arguments: [
    "yes", "no", "on", "off", "y", "n", "1:30", "1_000", "tRUE", "nULL", "0b1", "1.2.3", "-", "+", ".", "1e", "0x",
    "0o8",
    "2024-01-01", "30s", "-.nan", "e5", "=", "127.0.0.1:80",
])
func `what YAML 1.1 had other ideas about is a string`(text: String) { #expect(kind(text) == .string) }

@Test(arguments: ["", "null", "5", "true"])
func `quoted text is always a string`(text: String) {
    #expect(YAMLScalar(text: text, isPlain: false).kind == .string)
}
