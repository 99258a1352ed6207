extension ConfigPath {
    /// As RFC 6901 has it: `/a/b~1c`; the root is empty.
    package var pointer: String {
        var pointer = ""
        for key in keys {
            pointer += "/"
            for scalar in key.unicodeScalars {
                switch scalar {
                case "~": pointer += "~0"
                case "/": pointer += "~1"
                default: pointer.unicodeScalars.append(scalar)
                }
            }
        }
        return pointer
    }

    /// - Returns: `nil` if that is no pointer: it has keys and does not begin with `/`, or a `~` that is neither `~0` nor `~1`.
    package init?(pointer: String) {
        keys = []
        guard !pointer.utf8.isEmpty else { return }
        guard pointer.utf8.first == UInt8(ascii: "/") else { return nil }
        for part in pointer.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard let key = Self.key(part) else { return nil }
            keys.append(key)
        }
    }

    private static func key(_ part: Substring.UTF8View) -> String? {
        var key: [UInt8] = []
        var rest = part[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "~") else {
                key.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "0"): key.append(UInt8(ascii: "~"))
            case UInt8(ascii: "1"): key.append(UInt8(ascii: "/"))
            default: return nil
            }
        }
        return String(decoding: key, as: UTF8.self)
    }
}
