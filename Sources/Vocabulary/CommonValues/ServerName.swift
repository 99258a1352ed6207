/// A host as TLS's SNI names it (RFC 6066 § 3).
package enum ServerName {
    /// The one form that certificates, routes and rules are looked up by: lower case, without one trailing dot. To be
    /// brought about where a name is read, and nowhere else.
    package static func canonical(_ name: String) -> String {
        var bytes = name.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
        if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
