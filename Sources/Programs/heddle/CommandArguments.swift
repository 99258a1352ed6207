import CArguments

/// What the process was started with.
enum CommandArguments {
    /// Without the program's own name. Not from `CommandLine`, which reads them from /proc and has none where that is not
    /// mounted: `heddle run` would print its help and end in 0.
    static var all: [String] {
        (1..<max(1, CArguments_count())).compactMap { index in
            unsafe CArguments_value(index).map { unsafe String(cString: $0) }
        }
    }

    /// Calls `body` with those of `all` from an index on as the system has them, byte by byte, and `nil` behind them.
    static func withWords(from index: Int, _ body: ([UnsafeMutablePointer<CChar>?]) -> Void) {
        var words: [UnsafeMutablePointer<CChar>?] = unsafe []
        for number in CInt(index + 1)..<max(CInt(index + 1), CArguments_count()) {
            unsafe words.append(UnsafeMutablePointer(mutating: CArguments_value(number)))
        }
        unsafe body(words + [nil])
    }
}
