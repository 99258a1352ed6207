/// Lines that are being written, as far as the system has taken them. A line is written whole or not at all: of one that was
/// begun the rest is kept until it can be written.
struct LineBatch {
    private var bytes: [UInt8]
    private var position = 0
    /// Before it no byte of a line lies that was begun and not finished.
    private var isAtLineStart = true

    /// - Parameter bytes: Whole lines, each with its end.
    init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    var isEmpty: Bool { position == bytes.count }
    var unwritten: ArraySlice<UInt8> { bytes[position...] }
    /// The rest of a line comes first.
    var hasBegunLine: Bool { !isAtLineStart }

    private static let end = UInt8(ascii: "\n")

    mutating func append(_ lines: [UInt8]) {
        if isEmpty { (bytes, position) = (lines, 0) } else { bytes += lines }
    }

    mutating func wrote(_ byteCount: Int) {
        guard byteCount > 0 else { return }
        position += byteCount
        isAtLineStart = bytes[position - 1] == Self.end
    }

    /// What is left cannot be written.
    /// - Parameter keepsBegun: The rest of a line that was begun stays, to be written first when that can be done.
    /// - Returns: Lines that are lost.
    mutating func giveUp(keepsBegun: Bool) -> Int {
        let lines = unwritten.count { $0 == Self.end }
        guard !isAtLineStart, keepsBegun, let end = unwritten.firstIndex(of: Self.end) else {
            self = LineBatch()
            return lines
        }
        bytes = Array(bytes[position...end])
        position = 0
        return lines - 1
    }
}
