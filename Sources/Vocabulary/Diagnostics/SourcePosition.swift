/// A place in a file that a person wrote, or one that is in no such file: see `place`.
package struct SourcePosition: Hashable, Sendable, Comparable {
    /// Path as the user named it: relative to the folder that was read, which is `.` itself.
    package let file: String
    /// From 1; 0: it is no place in a text.
    package let line: Int
    /// From 1, in Unicode scalars; 0: it is no place in a text.
    package let column: Int
    /// Length of what stands there, in Unicode scalars; 0 where it is not known.
    package let length: Int

    package init(file: String, line: Int, column: Int, length: Int = 0) {
        self.file = file
        self.line = line
        self.column = column
        self.length = length
    }

    /// What has no lines: a folder, a file that people do not write, an option, what nobody has written.
    /// - Parameter name: Its path, or words for it.
    package static func place(_ name: String) -> SourcePosition { SourcePosition(file: name, line: 0, column: 0) }

    /// The folder of manifests itself.
    package static let manifestsFolder = place(".")

    /// Whether it is one in a file's text.
    package var isInText: Bool { line > 0 }

    package static func < (left: Self, right: Self) -> Bool {
        (left.file, left.line, left.column) < (right.file, right.line, right.column)
    }
}

extension SourcePosition: CustomStringConvertible {
    package var description: String {
        if self == .manifestsFolder { return "the manifests folder" }
        return isInText ? "\(file.printable):\(line):\(column)" : file.printable
    }
}
