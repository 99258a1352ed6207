/// When a change of the folder is taken up. The defaults are what design.md promises.
package struct ReadingTimes: Sendable, Hashable {
    /// Without an event before the folder is read: an eighth of the time that the change has taken so far (who writes for
    /// a second pauses longer than who writes for a moment), from this to `longestQuiet`. Default: 5 ms.
    package var quiet = Duration.milliseconds(5)
    /// Default: 100 ms.
    package var longestQuiet = Duration.milliseconds(100)
    /// Without an event after a rename(2) put a complete file in the place of another, and nothing else happened, before
    /// that file is taken up; it is read and prepared meanwhile. Default: 1 ms: programs that rename one file after the
    /// other are faster than that.
    package var quietAfterRename = Duration.milliseconds(1)
    /// From a change's first event until the folder is read, however many events follow, and anew from each event of a file
    /// that had none before: a change that still grows is not whole. Default: 250 ms.
    package var wait = Duration.milliseconds(250)
    /// From a change's first event until the folder is read, however it grows. Default: 2 s.
    package var longestWait = Duration.seconds(2)
    /// From a change's first event until the folder is read although a command of git holds its lock, and the age from
    /// which a lock is taken for a forgotten one. As long is waited for the rest where another process has done half of a
    /// change of several files. Default: 5 s.
    package var operation = Duration.seconds(5)
    /// Between two looks at git's lock. Default: 10 ms.
    package var operationLook = Duration.milliseconds(10)
    /// For which a file being written counts as it last was; then it counts as it is, or, if no look finds it whole, as
    /// one that cannot be read. Default: 5 s.
    package var writing = Duration.seconds(5)
    /// For which a file that vanished counts as it last was. Default: 100 ms.
    package var vanishing = Duration.milliseconds(100)
    /// Between two readings of everything, whatever the kernel says. Default: 30 s.
    package var rescan = Duration.seconds(30)
    /// Between two readings where the kernel does not tell, and between two looks at what is mounted. Default: 1 s.
    package var polling = Duration.seconds(1)
    /// Until a set is tried again that nothing is wrong with, but that a participant could not prepare for; doubled after each
    /// attempt, up to `rescan`. Default: 500 ms.
    package var retry = Duration.milliseconds(500)
    /// Until a set that lost more than half of its resources is read a second time. Default: 1 s.
    package var confirmation = Duration.seconds(1)

    package init() {}
}
