import CommonValues
import Testing

@Test(arguments: [
    ("a.example.com", "a.example.com"), ("A.Example.COM", "a.example.com"), ("a.example.com.", "a.example.com"),
    ("A..", "a."), (".", ""), ("", ""), ("ÄB", "Äb"),
])
func `a server name has one form, whatever its case and its last dot`(name: String, canonical: String) {
    #expect(ServerName.canonical(name) == canonical)
}
