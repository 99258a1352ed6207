import EventLoops
import Glibc
import SystemInterfaces

/// Whom an acceptor gives its connections.
protocol AcceptorOwner: RoomKeeper {
    var loop: EventLoop { get }
    /// There is no room for another caller.
    var isFull: Bool { get }
    func accept(_ accepted: consuming AcceptedSocket, at listener: Listener)
}

/// One worker's accepting socket of a listener.
final class Acceptor: EventHandler {
    let listener: Listener
    private var socket: Socket?
    private let descriptor: CInt
    private var owner: (any AcceptorOwner)!
    private var registration = Registration.none
    private var isPaused = false
    /// Since when those who have come here have not all been accepted; `nil`: nobody waits.
    private(set) var callersWaitSince: DeadlineWheel.Time?

    /// Connections accepted before others have their turn.
    private static let acceptBatch = 64
    /// How long accepting pauses when there is no room, or descriptors or memory have run out, in milliseconds.
    private static let pauseMilliseconds: UInt64 = 100

    /// - Parameter socket: Listening, or bound and about to.
    init(_ listener: Listener, socket: consuming Socket) {
        self.listener = listener
        descriptor = socket.descriptor
        self.socket = consume socket
    }

    func start(for owner: any AcceptorOwner) {
        self.owner = owner
        watch()
    }

    private var isStopped: Bool { listener.isStopped }

    /// Takes the connections that wait, then closes.
    func stop() {
        guard !isStopped else { return }
        while acceptOne() {}
        listener.isStopped = true
        owner.loop.unregister(registration)
        socket = nil
    }

    /// Goes on after a pause, if there is room again.
    func resume() {
        if !owner.isFull { goOn() }
    }

    private func goOn() {
        guard isPaused, !isStopped else { return }
        isPaused = false
        owner.loop.unregister(registration)
        watch()
    }

    func ready(_ events: ReadyEvents) {
        for _ in 0..<Self.acceptBatch where !acceptOne() { return }
    }

    func deadlineReached() { goOn() }
    func turnEnded() {}

    private func watch() {
        do {
            registration = try owner.loop.register(self, descriptor: descriptor, isExclusive: true)
        } catch {
            pause()
        }
    }

    private func acceptOne() -> Bool {
        guard !isPaused, !isStopped, let owner else { return false }
        // Nobody gives way unless somebody waits.
        guard !owner.isFull || !(socket?.isReadable ?? false) || owner.hasRoom(for: .caller, at: listener) else {
            owner.acceptingPaused(at: listener)
            pause()
            return false
        }
        do throws(SystemCallError) {
            guard let accepted = try socket?.accept() else {
                callersWaitSince = nil
                return false
            }
            owner.accept(accepted, at: listener)
            return true
        } catch {
            if error.isOutOfDescriptors { owner.descriptorsRanOut(at: listener) }
            owner.acceptingPaused(at: listener)
            pause()
            return false
        }
    }

    /// Level-triggered as it is, a listener that cannot accept would be told so without end.
    private func pause() {
        isPaused = true
        callersWaitSince = callersWaitSince ?? owner.loop.now
        owner.loop.unregister(registration, removing: descriptor)
        registration = owner.loop.register(self)
        owner.loop.setDeadline(registration, to: owner.loop.now + Self.pauseMilliseconds)
    }
}
