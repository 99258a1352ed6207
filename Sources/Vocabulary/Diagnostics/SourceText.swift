/// The text of a file that diagnostics point into.
package struct SourceText: Sendable {
    private let bytes: [UInt8]
    /// Where each line begins, as an offset into `bytes`.
    private let lineStarts: [Int]

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var starts = [bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0]
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "\n"): starts.append(index + 1)
            case UInt8(ascii: "\r") where index + 1 == bytes.count || bytes[index + 1] != UInt8(ascii: "\n"):
                starts.append(index + 1)
            default: break
            }
        }
        lineStarts = starts
    }

    /// - Parameter number: from 1.
    /// - Returns: The line without its line break, what is not UTF-8 replaced; `nil` if there is no such line.
    func line(_ number: Int) -> [Unicode.Scalar]? {
        guard lineStarts.indices.contains(number - 1) else { return nil }
        let end = number < lineStarts.count ? lineStarts[number] : bytes.count
        var line = bytes[lineStarts[number - 1]..<end]
        while let last = line.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { line.removeLast() }
        return Array(String(decoding: line, as: UTF8.self).unicodeScalars)
    }
}
