import Cryptography
import Testing

@Suite struct Base64Tests {
    /// RFC 4648 § 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func theTextIsTheStandards(plain: String, text: String) {
        #expect(Base64.text(of: plain.utf8) == Array(text.utf8))
        #expect(Base64.bytes(of: text.utf8) == Array(plain.utf8))
    }

    @Test(arguments: ["Zg", "Zg=", "Zh==", "Zg==\n", " Zg==", "Zm 9v", "Z===", "====", "Zm9v!", "Zm-_", "=Zg="])
    func nothingElseIsRead(text: String) { #expect(Base64.bytes(of: text.utf8) == nil) }
}
