import EventLoops
import Glibc
import TransportSecurity

/// One worker's accepting socket at one address. It stays open across generations; what it means changes with them.
final class Listener: EventHandler {
    let address: NetworkAddress
    var view: ListenerView
    private(set) var isStopped = false
    private var socket: Socket?
    private let descriptor: CInt
    private var worker: Worker!
    private var registration = Registration.none
    private var isPaused = false
    /// Since when those who have come here have not all been accepted; `nil`: nobody waits.
    private(set) var callersWaitSince: DeadlineWheel.Time?

    /// Connections accepted before others have their turn.
    private static let acceptBatch = 64
    /// How long accepting pauses when there is no room, or descriptors or memory have run out, in milliseconds.
    private static let pauseMilliseconds: UInt64 = 100

    /// - Parameter socket: Listening, or bound and about to.
    init(address: NetworkAddress, socket: consuming Socket, view: ListenerView) {
        self.address = address
        descriptor = socket.descriptor
        self.socket = consume socket
        self.view = view
    }

    func start(on worker: Worker) {
        self.worker = worker
        watch()
    }

    /// Takes the connections that wait, then closes.
    func stop() {
        guard !isStopped else { return }
        while acceptOne() {}
        isStopped = true
        worker.loop.unregister(registration)
        socket = nil
    }

    /// Goes on after a pause, if there is room again.
    func resume() {
        if !worker.isFull { goOn() }
    }

    private func goOn() {
        guard isPaused, !isStopped else { return }
        isPaused = false
        worker.loop.unregister(registration)
        watch()
    }

    func ready(_ events: ReadyEvents) {
        for _ in 0..<Self.acceptBatch where !acceptOne() { return }
    }

    func deadlineReached() { goOn() }
    func turnEnded() {}

    private func watch() {
        do {
            registration = try worker.loop.register(self, descriptor: descriptor, isExclusive: true)
        } catch {
            pause()
        }
    }

    private func acceptOne() -> Bool {
        guard !isPaused, !isStopped, let worker else { return false }
        // Nobody gives way unless somebody waits.
        guard !worker.isFull || !(socket?.isReadable ?? false) || worker.hasRoom(for: .caller, at: self) else {
            worker.acceptingPaused(at: self)
            pause()
            return false
        }
        do throws(SystemCallError) {
            guard let accepted = try socket?.accept() else {
                callersWaitSince = nil
                return false
            }
            worker.accept(accepted, at: self)
            return true
        } catch {
            if error.isOutOfDescriptors { worker.descriptorsRanOut(at: self) }
            worker.acceptingPaused(at: self)
            pause()
            return false
        }
    }

    /// Level-triggered as it is, a listener that cannot accept would be told so without end.
    private func pause() {
        isPaused = true
        callersWaitSince = callersWaitSince ?? worker.loop.now
        worker.loop.unregister(registration, removing: descriptor)
        registration = worker.loop.register(self)
        worker.loop.setDeadline(registration, to: worker.loop.now + Self.pauseMilliseconds)
    }
}
