import Testing

@testable import Diagnostics

struct TextTableTests {
    @Test func `columns are aligned, and lines end without white space`() {
        var table = TextTable(["NAME", "B", "C"])
        table.add(["a", "", "x"])
        table.add(["löng name", "yy", ""])
        #expect(table.rendered() == "NAME       B   C\na          -   x\nlöng name  yy  -\n")
    }

    @Test func `control characters do not reach a terminal`() {
        var table = TextTable(["A"])
        table.add(["\u{1B}[31mred\u{202E}"])
        #expect(table.rendered() == "A\n\\u{1B}[31mred\\u{202E}\n")
        var fields = TextFields()
        fields.add("a", "b\nc")
        #expect(fields.rendered() == "a  b\\nc\n")
    }
}
