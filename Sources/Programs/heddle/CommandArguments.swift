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
}
