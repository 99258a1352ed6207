/// A place in a file that a person wrote.
package struct SourcePosition: Hashable, Sendable, Comparable {
    /// Path as the user named it: relative to the folder that was read.
    package let file: String
    /// From 1.
    package let line: Int
    /// From 1, in Unicode scalars.
    package let column: Int
    /// Length of what stands there, in Unicode scalars; 0 where it is not known.
    package let length: Int

    package init(file: String, line: Int, column: Int, length: Int = 0) {
        self.file = file
        self.line = line
        self.column = column
        self.length = length
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.file, left.line, left.column) < (right.file, right.line, right.column)
    }
}

extension SourcePosition: CustomStringConvertible {
    package var description: String { "\(file.printable):\(line):\(column)" }
}
