import Testing

@testable import HTTPSemantics

@Test func `byte classes hold what the RFCs list`() {
    let alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    let lists: [(ByteClass, String)] = [
        (.token, alphanumeric + "!#$%&'*+-.^_`|~"),
        (.method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"), (.unreserved, alphanumeric + "-._~"),
        (.hostName, alphanumeric + "-._~!$&'()*+="), (.path, alphanumeric + "-._~!$&'()*+,;=:@/"),
    ]
    for (set, list) in lists {
        for byte in UInt8.min...UInt8.max { #expect(set.contains(byte) == list.utf8.contains(byte)) }
    }
}

@Test func `words find the first byte of each kind, and only those`() {
    for place in 0..<8 {
        for byte in UInt8.min...UInt8.max {
            var array = Array("abcXYZ09".utf8)
            array[place] = byte
            let word = array.span.word(at: 0)
            let isControl = byte < 0x20 || byte == 0x7F
            let isOutsideTargets = byte <= 0x20 || byte >= 0x7F
            let isOutsideNames = !ByteClass.token.contains(byte) || "!#$%&'*+.^_`|~".utf8.contains(byte)
            #expect(first(ByteWord.controls(word)) == (isControl ? place : 8))
            #expect(first(ByteWord.outsideTargets(word)) == (isOutsideTargets ? place : 8))
            #expect(first(ByteWord.outsideNames(word)) == (isOutsideNames ? place : 8))
            #expect(first(ByteWord.matches(word, byte)) == array.firstIndex(of: byte))
            var bytes = ByteBuffer()
            bytes.append(copying: array.span)
            bytes.lowercase(0..<8)
            var lower = Array("abcxyz09".utf8)
            lower[place] = ASCII.lowercased(byte)
            #expect(bytes.array == lower)
        }
    }
}

@Test func `hexadecimal digits stand as they are written`() {
    let numbers = [0, 1, 0x0123_4567, 0x89AB_CDEF, 0x9A9A_A9A9, .max] + (0..<32).map { UInt32(1) << $0 }
    for number in numbers {
        let text = String(number, radix: 16)
        let digits = Array((String(repeating: "0", count: 8 - text.count) + text).utf8)
        let word = digits.span.word(at: 0)
        #expect(ByteWord.hexDigits(number) == word)
    }
}

private func first(_ flags: UInt64) -> Int { flags.trailingZeroBitCount / 8 }

@Test func `lower case stays inside its range`() {
    for start in 0..<20 {
        for end in start...20 {
            var bytes = ByteBuffer()
            bytes.append(contentsOf: repeatElement(UInt8(ascii: "A"), count: 20))
            bytes.lowercase(start..<end)
            for index in 0..<20 { #expect(bytes[index] == ((start..<end).contains(index) ? 0x61 : 0x41)) }
        }
    }
}

@Test(arguments: ["", "a", "abcdefg", "abcdefgh", "abcdefghi", "content-length-x-y-z"])
func `bytes are equal or not at any length`(text: String) {
    let bytes = Array(text.utf8)
    #expect(isEqual(bytes, bytes))
    #expect(isEqual(Array(text.uppercased().utf8), ignoringCaseOf: bytes))
    for index in bytes.indices {
        var other = bytes
        other[index] ^= 1
        #expect(!isEqual(bytes, other))
        #expect(!isEqual(other, ignoringCaseOf: bytes))
    }
}

private func isEqual(_ bytes: [UInt8], _ other: [UInt8]) -> Bool { ASCII.equal(bytes.span, other.span) }

private func isEqual(_ bytes: [UInt8], ignoringCaseOf other: [UInt8]) -> Bool {
    ASCII.equal(bytes.span, ignoringCaseOf: other.span)
}
