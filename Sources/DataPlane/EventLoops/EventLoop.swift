import CLinux
import Glibc
import Synchronization
package import SystemInterfaces

/// What the kernel said of a descriptor.
package struct ReadyEvents: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = ReadyEvents(rawValue: EPOLLIN.rawValue)
    package static let writable = ReadyEvents(rawValue: EPOLLOUT.rawValue)
    /// The other side ended its half: a read will come to the end of the stream.
    package static let peerEnded = ReadyEvents(rawValue: EPOLLRDHUP.rawValue)
    package static let hangup = ReadyEvents(rawValue: EPOLLHUP.rawValue)
    package static let failed = ReadyEvents(rawValue: EPOLLERR.rawValue)
}

/// One that lives on an event loop. All calls come on the loop's thread.
package protocol EventHandler: AnyObject {
    /// Edge-triggered: what is not read or written now is not told again.
    func ready(_ events: ReadyEvents)
    func deadlineReached()
    /// Asked for with `EventLoop.requestEndOfTurn`; the place to write what the turn produced, once.
    func turnEnded()
}

/// A handler's place on its loop.
package struct Registration: Sendable {
    fileprivate(set) var slot: Int32
    fileprivate var generation: UInt32

    package static let none = Registration(slot: -1, generation: 0)
    package var isNone: Bool { slot < 0 }
}

/// One thread's epoll instance, deadlines and mailbox. Everything but `post` is for the loop's own thread.
///
/// SAFETY: `@unchecked Sendable` because only `mailbox` and `wakeup` are touched from other threads.
package final class EventLoop: @unchecked Sendable {
    private struct Slot {
        var handler: (any EventHandler)?
        var generation: UInt32 = 0
        var wantsEndOfTurn = false
        var wantsNextTurn = false
        /// The last turn whose end it was told.
        var endedTurn: UInt64 = 0
        /// Its deadline has come, and it was not told yet.
        var isDue = false
    }

    /// Milliseconds of CLOCK_MONOTONIC at the start of this turn.
    package private(set) var now: DeadlineWheel.Time
    /// The same moment in microseconds.
    package private(set) var nowMicroseconds: UInt64

    private let epoll: CInt
    private let wakeup: Wakeup
    private let mailbox = Mutex<[@Sendable () -> Void]>([])
    private var slots: [Slot] = []
    private var freeSlots: [Int32] = []
    private var deadlines: DeadlineWheel
    private var expired: [Int32] = []
    private var endOfTurn: [Int32] = []
    private var nextTurn: [Int32] = []
    private var continuing: [Int32] = []
    /// Those that asked again after the end of this turn was told to them.
    private var endOfNextTurn: [Int32] = []
    /// The turn at hand, counted from 1: how often the loop has woken.
    package private(set) var turn: UInt64 = 1
    private var isRunning = false

    /// Events taken from the kernel at once.
    private static let eventBatch = 256
    private static let wakeupMark = UInt64.max

    package init() throws(SystemCallError) {
        epoll = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw SystemCallError(last: "epoll_create1") }
        wakeup = try Wakeup()
        nowMicroseconds = Self.microseconds()
        now = nowMicroseconds / 1000
        deadlines = DeadlineWheel(now: now)
        var event = unsafe epoll_event(
            events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data(u64: Self.wakeupMark))
        guard unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, wakeup.descriptor, &event) == 0 else {
            throw SystemCallError(last: "epoll_ctl")
        }
    }

    deinit { _ = Glibc.close(epoll) }

    /// Runs `message` on the loop's thread, soon. From any thread.
    package func post(_ message: @escaping @Sendable () -> Void) {
        let wasEmpty = mailbox.withLock { queue in
            queue.append(message)
            return queue.count == 1
        }
        if wasEmpty { wakeup.give() }
    }

    /// Watches `descriptor`, edge-triggered, until `unregister`.
    /// - Parameter isExclusive: Wakes one of the loops that share the descriptor, not all (`EPOLLEXCLUSIVE`).
    package func register(
        _ handler: any EventHandler, descriptor: CInt, isExclusive: Bool = false
    ) throws(SystemCallError) -> Registration {
        let registration = allocateSlot(for: handler)
        let mask =
            isExclusive
            ? EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue
            : EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        let mark = UInt64(UInt32(bitPattern: registration.slot)) | UInt64(registration.generation) << 32
        var event = unsafe epoll_event(events: mask, data: epoll_data(u64: mark))
        guard unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            let error = SystemCallError(last: "epoll_ctl")
            unregister(registration)
            throw error
        }
        return registration
    }

    /// Forgets the handler and stops watching the descriptor, which stays open.
    package func unregister(_ registration: Registration, removing descriptor: CInt) {
        _ = epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil)
        unregister(registration)
    }

    /// A place for one that has deadlines but no descriptor.
    package func register(_ handler: any EventHandler) -> Registration { allocateSlot(for: handler) }

    /// Forgets the handler; the descriptor leaves epoll when its last copy is closed.
    package func unregister(_ registration: Registration) {
        guard isCurrent(registration) else { return }
        let index = Int(registration.slot)
        deadlines.remove(registration.slot)
        slots[index].handler = nil
        slots[index].isDue = false
        slots[index].wantsNextTurn = false
        slots[index].generation &+= 1
        freeSlots.append(registration.slot)
    }

    /// Another handler takes the place over, descriptor and all; whatever the one before asked for is forgotten.
    package func handOver(_ registration: Registration, to handler: any EventHandler) {
        guard isCurrent(registration) else { return }
        deadlines.remove(registration.slot)
        slots[Int(registration.slot)].isDue = false
        slots[Int(registration.slot)].handler = handler
    }

    /// - Parameter deadline: In the loop's milliseconds; `nil`: none.
    @inline(__always)
    package func setDeadline(_ registration: Registration, to deadline: DeadlineWheel.Time?) {
        guard isCurrent(registration) else { return }
        slots[Int(registration.slot)].isDue = false
        deadlines.set(registration.slot, to: deadline)
    }

    /// Calls the handler's `turnEnded` once, when all that is ready now has been handled. Whoever was told of this turn's end
    /// already is told of the next: two that keep each other busy must not keep all others waiting.
    package func requestEndOfTurn(_ registration: Registration) {
        let index = Int(registration.slot)
        guard isCurrent(registration), !slots[index].wantsEndOfTurn else { return }
        slots[index].wantsEndOfTurn = true
        if slots[index].endedTurn == turn {
            endOfNextTurn.append(registration.slot)
        } else {
            endOfTurn.append(registration.slot)
        }
    }

    /// Calls the handler's `ready` once more in the next turn, with no events, after those that the kernel has by then: for
    /// one that had enough of this turn.
    package func requestNextTurn(_ registration: Registration) {
        guard isCurrent(registration), !slots[Int(registration.slot)].wantsNextTurn else { return }
        slots[Int(registration.slot)].wantsNextTurn = true
        nextTurn.append(registration.slot)
    }

    /// Handles events until `stop`.
    package func run() {
        isRunning = true
        let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: Self.eventBatch)
        defer { unsafe events.deallocate() }
        while isRunning {
            let count = unsafe epoll_wait(epoll, events.baseAddress!, CInt(events.count), waitMilliseconds())
            nowMicroseconds = Self.microseconds()
            now = nowMicroseconds / 1000
            for index in 0..<max(0, Int(count)) { unsafe dispatch(events[index]) }
            continueTurns()
            fireDeadlines()
            finishTurn()
        }
    }

    private func continueTurns() {
        guard !nextTurn.isEmpty else { return }
        swap(&nextTurn, &continuing)
        for slot in continuing where slots[Int(slot)].wantsNextTurn {
            slots[Int(slot)].wantsNextTurn = false
            slots[Int(slot)].handler?.ready([])
        }
        continuing.removeAll(keepingCapacity: true)
    }

    package func stop() { isRunning = false }

    /// Microseconds of CLOCK_MONOTONIC, now and not as of the turn's beginning.
    package static func microseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    }

    private func waitMilliseconds() -> CInt {
        guard nextTurn.isEmpty, endOfTurn.isEmpty else { return 0 }
        guard let due = deadlines.nextDue() else { return -1 }
        return CInt(clamping: due > now ? due - now : 0)
    }

    private func dispatch(_ event: epoll_event) {
        let mark = unsafe event.data.u64
        if mark == Self.wakeupMark { return readMailbox() }
        let index = Int(mark & 0xFFFF_FFFF)
        // An earlier event of this turn may have closed the handler, or given its place to another.
        guard slots[index].generation == UInt32(truncatingIfNeeded: mark >> 32) else { return }
        slots[index].handler?.ready(ReadyEvents(rawValue: unsafe event.events))
    }

    private func readMailbox() {
        wakeup.take()
        let messages = mailbox.withLock { queue in
            let taken = queue
            queue = []
            return taken
        }
        for message in messages { message() }
    }

    private func fireDeadlines() {
        deadlines.advance(to: now, expired: &expired)
        guard !expired.isEmpty else { return }
        for slot in expired { slots[Int(slot)].isDue = true }
        // One that is told may close another, whose place the next takes, or give it more time.
        for slot in expired where slots[Int(slot)].isDue {
            slots[Int(slot)].isDue = false
            slots[Int(slot)].handler?.deadlineReached()
        }
        expired.removeAll(keepingCapacity: true)
    }

    private func finishTurn() {
        var index = 0
        // Ending one handler's turn may ask for another's.
        while index < endOfTurn.count {
            let slot = Int(endOfTurn[index])
            slots[slot].wantsEndOfTurn = false
            slots[slot].endedTurn = turn
            slots[slot].handler?.turnEnded()
            index += 1
        }
        endOfTurn.removeAll(keepingCapacity: true)
        swap(&endOfTurn, &endOfNextTurn)
        turn &+= 1
    }

    private func isCurrent(_ registration: Registration) -> Bool {
        registration.slot >= 0 && slots[Int(registration.slot)].generation == registration.generation
    }

    private func allocateSlot(for handler: any EventHandler) -> Registration {
        if let slot = freeSlots.popLast() {
            slots[Int(slot)].handler = handler
            return Registration(slot: slot, generation: slots[Int(slot)].generation)
        }
        slots.append(Slot(handler: handler))
        return Registration(slot: Int32(slots.count - 1), generation: 0)
    }
}
