import CallOutcomes
import CallPlanning
import EventLoops
import TransportSecurity

/// Whom callers' connections belong to.
protocol CallerHost: AnyObject {
    /// A call that has not begun.
    func takeCall() -> any Call
    /// One that will not begin, or is over.
    func giveBack(_ call: any Call)
    func connectionClosed(_ connection: any ServerConnection)
    /// One connection took another's place: it found out that it speaks another protocol.
    func connectionChanged(_ old: any ServerConnection, to new: any ServerConnection)
    func handshakeFailed(_ failure: TLSFailure, listener: Listener, peer: NetworkAddress)
    /// A request that was none. It took as long as the turn that it is refused in, so far.
    /// - Parameter requestID: What it was answered with; `nil`: it had no answer.
    func refused(
        status: UInt16, reason: FailureReason, detail: StaticString, requestID: RequestID.Text?, listener: Listener,
        peer: NetworkAddress)
}

extension CallerHost {
    func refused(
        status: UInt16, reason: FailureReason, detail: StaticString, listener: Listener, peer: NetworkAddress
    ) {
        refused(
            status: status, reason: reason, detail: detail, requestID: nil, listener: listener, peer: peer)
    }
}

/// Who knows whether there is room for another connection, and makes some.
protocol RoomKeeper: AnyObject {
    /// A connection may be taken or made. If there is no room, who has no use for it now gives way.
    /// - Parameter listener: Where it came in, or the call that it is for; `nil`: it is for no call.
    func hasRoom(for use: DescriptorShare.Use, at listener: Listener?) -> Bool
    /// The kernel gives none, whatever the budget says: others of this host may have taken them.
    func descriptorsRanOut(at listener: Listener?)
    /// Accepting stops: nobody gives way.
    func acceptingPaused(at listener: Listener)
    /// A call finds no connection to its endpoint.
    func callFoundNoRoom(at listener: Listener, endpoint: NetworkAddress)
}
