import ConfigValues

/// Variables as lines that `DotenvConfig` reads, and a shell reads as the same, too: nothing in them is run or expanded.
enum DotenvText {
    static func written(_ value: ConfigValue) throws(UnwritableValue) -> [UInt8] {
        var bytes: [UInt8] = []
        for variable in try Variables(value).all {
            bytes += variable.name.utf8
            bytes.append(UInt8(ascii: "="))
            guard write(variable.text, into: &bytes) else {
                throw UnwritableValue(
                    path: variable.path, found: "a text with control characters",
                    expected: "text, tabs and line breaks",
                    remedy: "take them out of it, or write it as JSON")
            }
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }

    /// - Returns: `false`: it has characters that cannot be written.
    private static func write(_ text: String, into bytes: inout [UInt8]) -> Bool {
        if !text.isEmpty, text.utf8.allSatisfy(isPlain) {
            bytes += text.utf8
            return true
        }
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "'") || $0 == 0x0D }) else {
            bytes.append(UInt8(ascii: "'"))
            bytes += text.utf8
            bytes.append(UInt8(ascii: "'"))
            return !text.utf8.contains(where: isControl)
        }
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case 0x0D: bytes += "\\r".utf8
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "$"), UInt8(ascii: "`"):
                bytes += [UInt8(ascii: "\\"), byte]
            case _ where isControl(byte): return false
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        return true
    }

    private static func isControl(_ byte: UInt8) -> Bool { byte < 0x20 && byte != 0x09 && byte != 0x0A || byte == 0x7F }

    /// What stands for itself in every shell.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "_-./:@%+,=".utf8.contains(byte)
        }
    }
}
