/// When a change of the folder is taken up. The defaults are what design.md promises.
package struct ReadingTimes: Sendable, Hashable {
    /// Without an event before the folder is read. Default: 5 ms.
    package var quiet = Duration.milliseconds(5)
    /// Without an event after a rename(2) put a complete file in the place of another, and nothing else happened, before
    /// that file is taken up; it is read and prepared meanwhile. Default: 1 ms: programs that rename one file after the
    /// other are faster than that.
    package var quietAfterRename = Duration.milliseconds(1)
    /// From a change's first event until the folder is read, however many events follow. Default: 250 ms.
    package var longestWait = Duration.milliseconds(250)
    /// For which a file being written counts as it last was; then it counts as it is. Default: 5 s.
    package var writing = Duration.seconds(5)
    /// For which a file that vanished counts as it last was. Default: 100 ms.
    package var vanishing = Duration.milliseconds(100)
    /// Between two readings of everything, whatever the kernel says. Default: 30 s.
    package var rescan = Duration.seconds(30)
    /// Between two readings where the kernel does not tell. Default: 1 s.
    package var polling = Duration.seconds(1)
    /// Until a set is tried again that nothing is wrong with, but a port is taken or a key is missing; doubled after each
    /// attempt, up to `rescan`. Default: 500 ms.
    package var retry = Duration.milliseconds(500)
    /// Until a set that lost more than half of its resources is read a second time. Default: 1 s.
    package var confirmation = Duration.seconds(1)

    package init() {}
}
