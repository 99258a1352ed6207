import HTTPSemantics

/// What `grpc-message` is written in (gRPC over HTTP/2, "Responses").
package enum GRPCMessage {
    /// Appends UTF-8 with every byte escaped that is not a visible ASCII one or a space, and `%` itself.
    package static func appendEscaped(_ text: Span<UInt8>, to output: inout [UInt8]) {
        for index in text.indices {
            let byte = text[index]
            if byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "%") {
                output.append(byte)
            } else {
                output.append(UInt8(ascii: "%"))
                output.append(ASCII.hexDigit(byte >> 4))
                output.append(ASCII.hexDigit(byte & 15))
            }
        }
    }

    /// The bytes that were escaped. A `%` that no two digits follow stands for itself: a message is for people, and none is
    /// thrown away for a mistake in it.
    package static func unescaped(_ value: Span<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(value.count)
        var index = 0
        while index < value.count {
            if value[index] == UInt8(ascii: "%"), index + 2 < value.count, let high = ASCII.hexValue(value[index + 1]),
                let low = ASCII.hexValue(value[index + 2])
            {
                output.append(high << 4 | low)
                index += 3
            } else {
                output.append(value[index])
                index += 1
            }
        }
        return output
    }
}
