import EventLoops

/// Whether the other side goes on reading.
extension StreamConnection {
    /// When a reader that takes nothing of what is queued will have stalled for too long; `nil`: nothing is queued.
    var outputDeadline: DeadlineWheel.Time? { queuedByteCount == 0 ? nil : reader.last + bench.timeouts.stream }

    /// That time has come. Asks the kernel, but only then.
    func hasReaderStalled() -> Bool {
        guard let due = outputDeadline, due <= loop.now else { return false }
        return !readerGoesOn()
    }

    /// Whether the other side has taken bytes since it last did, of which the socket does not tell. Asks the kernel.
    func readerGoesOn() -> Bool {
        let last = reader.last
        lookAtReader()
        return reader.last > last
    }

    /// `ReaderProgress.last(upTo:)`. Asks the kernel.
    func readerProgress(upTo offset: inout UInt64) -> DeadlineWheel.Time? {
        lookAtReader()
        return reader.last(upTo: &offset)
    }

    func lookAtReader() {
        guard let unacknowledged = unacknowledgedByteCount() else { return }
        reader.look(written: writtenByteCount, unacknowledged: unacknowledged, at: loop.now)
    }

    /// What the deadlines of a call go by. Asks the kernel where a reader would seem to have stalled.
    func progress() -> SideProgress {
        _ = hasReaderStalled()
        return SideProgress(
            lastInput: lastRead, lastOutput: reader.last, isAwaited: queuedByteCount > 0, isHeldBack: isReadingPaused)
    }
}
