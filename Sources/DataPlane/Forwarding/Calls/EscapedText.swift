import HTTPSemantics

extension [UInt8] {
    /// Bytes that a stranger may have chosen, for a line of text: control bytes, and those that are not ASCII (a path may hold any), as
    /// `\u00xx`; what would end a string between quotes with a `\` before it.
    mutating func append(escaping value: Span<UInt8>) {
        for index in value.indices {
            switch value[index] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(value[index])
            case 0x20..<0x7F: append(value[index])
            case let byte:
                append(contentsOf: "\\u00".utf8)
                append(ASCII.lowercaseHexDigit(byte >> 4))
                append(ASCII.lowercaseHexDigit(byte & 15))
            }
        }
    }
}
