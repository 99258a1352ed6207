import Diagnostics
import Manifests
import Reconciliation
import Synchronization

/// A socket of the admin server whose place each generation says.
protocol MovedSocket: Sendable {
    /// As manifests have it.
    associatedtype Place: Hashable & Sendable
    /// Bound, and not answering yet.
    associatedtype Prepared: Sendable
    associatedtype Failure: Error

    static func prepare(_ place: Place, of server: AdminServer) throws(Failure) -> Prepared
    /// Answers there, and no more where it did before.
    /// - Parameter prepared: `nil`: nowhere.
    static func commit(_ prepared: Prepared?, of server: AdminServer)
    /// It will not answer.
    static func abandon(_ prepared: Prepared, of server: AdminServer)
    static func problem(_ place: Located<Place>, _ failure: Failure) -> Diagnostic
}

/// Moves a socket to the place that a generation names. One that cannot be had is held back, and the one before is closed all the same:
/// the rest of the set serves.
///
/// The server asks the running mesh, which asks the reconciler, whose participants have these: so they are made first, and get their
/// server before the first generation.
final class MovedListener<Socket: MovedSocket>: Sendable {
    private struct State {
        var server: AdminServer?
        /// Where it answers.
        var place: Socket.Place?
        /// Where it is to answer.
        var wanted: Located<Socket.Place>?
        var problem: Diagnostic?
    }

    private let state = Mutex(State())

    func attach(_ server: AdminServer) { state.withLock { $0.server = server } }

    var server: AdminServer? { state.withLock { $0.server } }
    var place: Socket.Place? { state.withLock { $0.place } }
    var wanted: Located<Socket.Place>? { state.withLock { $0.wanted } }
    var problem: Diagnostic? { state.withLock { $0.problem } }

    func prepare(_ wanted: Located<Socket.Place>?) -> any PreparedChange {
        Change(listener: self, move: move(to: wanted))
    }

    /// Tries again what is held back. Not while a change is prepared or committed.
    func retry() {
        let (hasProblem, wanted) = state.withLock { ($0.problem != nil, $0.wanted) }
        if hasProblem { take(move(to: wanted)) }
    }

    /// Binds it again where it was. Not while a change is prepared or committed.
    func restore() {
        let wanted = state.withLock { state in
            state.place = nil
            return state.wanted
        }
        take(move(to: wanted))
    }

    private struct Move: Sendable {
        enum Step: Sendable {
            case keep
            case replace(Socket.Prepared?)
        }

        let wanted: Located<Socket.Place>?
        var place: Socket.Place?
        var step = Step.keep
        var problem: Diagnostic?
    }

    private func move(to wanted: Located<Socket.Place>?) -> Move {
        let (server, current) = state.withLock { ($0.server, $0.place) }
        var move = Move(wanted: wanted, place: wanted?.value)
        guard let server, wanted?.value != current else { return move }
        guard let wanted else {
            move.step = .replace(nil)
            return move
        }
        do throws(Socket.Failure) {
            move.step = .replace(try Socket.prepare(wanted.value, of: server))
        } catch {
            move.step = .replace(nil)
            move.place = nil
            move.problem = Socket.problem(wanted, error)
        }
        return move
    }

    private func take(_ move: Move) {
        let server = state.withLock { state in
            state.place = move.place
            state.wanted = move.wanted
            state.problem = move.problem
            return state.server
        }
        if let server, case .replace(let prepared) = move.step { Socket.commit(prepared, of: server) }
    }

    private func abandon(_ move: Move) {
        if let server, case .replace(let prepared?) = move.step { Socket.abandon(prepared, of: server) }
    }

    private struct Change: PreparedChange {
        let listener: MovedListener
        let move: Move

        var warnings: [Diagnostic] { move.problem.map { [$0] } ?? [] }

        func commit() async { listener.take(move) }
        func abandon() async { listener.abandon(move) }
    }
}
