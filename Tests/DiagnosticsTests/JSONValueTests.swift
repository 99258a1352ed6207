import Testing

@testable import Diagnostics

@Test func `members keep their order`() {
    let value: JSONValue = ["b": 1, "a": [true, nil, "x"], "c": [:], "d": []]
    #expect(value.rendered() == #"{"b":1,"a":[true,null,"x"],"c":{},"d":[]}"#)
}

@Test func `pretty output is indented by two spaces`() {
    let value: JSONValue = ["a": [1, ["b": false]], "c": []]
    #expect(
        value.rendered(pretty: true) == """
            {
              "a": [
                1,
                {
                  "b": false
                }
              ],
              "c": []
            }
            """)
}

@Test func `strings are escaped as RFC 8259 asks`() {
    #expect(JSONValue.string("\"\\\n\r\t\u{0}\u{1F}\u{7F}é😀/").rendered() == #""\"\\\n\r\t\u0000\u001f\u007fé😀/""#)
}

@Test func `control characters beyond ASCII are escaped, too`() {
    #expect(JSONValue.string("a\u{9B}31mé").rendered() == #""a\u009b31mé""#)
}

@Test func `numbers that JSON does not have become null`() {
    #expect(
        JSONValue.array([.double(1.5), .double(.infinity), .double(.nan), .integer(-3)]).rendered()
            == "[1.5,null,null,-3]")
}

@Test func `values compare with the order of their members`() {
    let left: JSONValue = ["a": 1, "b": 2]
    let right: JSONValue = ["b": 2, "a": 1]
    #expect(left != right)
    #expect(left == ["a": 1, "b": 2])
}
