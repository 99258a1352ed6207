/// What a TLS client says first.
enum ClientHello {
    /// With nothing in it but a name (RFC 8446 § 4.1.2, RFC 6066 § 3).
    static func asking(_ name: String) -> [UInt8] {
        func counted(_ bytes: [UInt8], width: Int) -> [UInt8] {
            (0..<width).reversed().map { UInt8(bytes.count >> ($0 * 8) & 255) } + bytes
        }
        let names = counted([0] + counted(Array(name.utf8), width: 2), width: 2)
        let extensions = counted([0, 0] + counted(names, width: 2), width: 2)
        let body: [UInt8] = [3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0x13, 1, 1, 0] + extensions
        return [22, 3, 1] + counted([1] + counted(body, width: 3), width: 2)
    }
}
