import HTTPSemantics

/// A place below a resource, as rules name it: `/values/database/host`. Made of keys, never of what a caller wrote: a key has one
/// form, however it was escaped, so that all ways to it are judged alike.
package struct ResourcePath: Sendable {
    private(set) var bytes: [UInt8] = []
    /// How long it was before each of its keys.
    private var ends: [Int32] = []
    /// Of its keys, those that no path can have.
    private var impossibleKeys = 0

    package init() {}

    /// - Parameter word: `/values`, `/watch`: in canonical form.
    package init(below word: StaticString) { bytes.append(copying: word.bytes) }

    /// Some request can name it. What cannot be asked for is nobody's.
    var isPossible: Bool { impossibleKeys == 0 }

    package mutating func append(_ key: String) {
        ends.append(Int32(bytes.count) << 1 | (Self.isPossible(key) ? 0 : 1))
        impossibleKeys += Self.isPossible(key) ? 0 : 1
        bytes.append(UInt8(ascii: "/"))
        for byte in key.utf8 {
            if byte != UInt8(ascii: "/"), ByteClass.path.contains(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                bytes.append(ASCII.hexDigit(byte >> 4))
                bytes.append(ASCII.hexDigit(byte & 15))
            }
        }
    }

    /// Back to where it was before the last key.
    package mutating func removeLast() {
        guard let end = ends.popLast() else { return }
        impossibleKeys -= Int(end & 1)
        bytes.removeLast(bytes.count - Int(end >> 1))
    }

    /// What canonical form takes away, or does not take at all, names nothing.
    private static func isPossible(_ key: String) -> Bool {
        !key.isEmpty && key != "." && key != ".." && !key.utf8.contains(0)
    }

    /// For people.
    package var text: String { String(decoding: bytes, as: UTF8.self) }
}
