import Testing

@testable import Cryptography

struct WebSocketKeyTests {
    @Test func `answers the example of RFC 6455 as the RFC does`() throws {
        let key = WebSocketKey(Array("dGhlIHNhbXBsZSBub25jZQ==".utf8).span)
        #expect(try String(decoding: #require(key).accept, as: UTF8.self) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test(arguments: ["", "abc", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZ===", "dGhlIHNhbXBsZSBub2 jZQ=="])
    func `refuses what is no key`(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(WebSocketKey(bytes.span) == nil)
    }

    @Test func `makes keys that it takes`() {
        let key = WebSocketKey.random()
        #expect(WebSocketKey(key.value.span)?.value == key.value)
        #expect(WebSocketKey.random().value != key.value)
    }
}
