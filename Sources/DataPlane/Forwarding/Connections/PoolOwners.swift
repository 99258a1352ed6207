import Cryptography
import EventLoops
import HTTPSemantics
import TransportSecurity

/// The pool of a connection to an endpoint, as the connection knows it.
protocol ConnectionOwner: AnyObject {
    /// It came up, with all that belongs to it.
    func reached()
    /// It did not.
    func failed(_ failure: ConnectFailure)
    func handshakeFailed(_ failure: TLSFailure)
}

protocol TCPConnectionOwner: ConnectionOwner {
    func forget(_ connection: TCPClientConnection)
}

protocol HTTP1ConnectionOwner: ConnectionOwner {
    func forget(_ connection: HTTP1ClientConnection)
    /// Its call is over, and it may carry another.
    func give(_ connection: HTTP1ClientConnection)
}

protocol HTTP2ConnectionOwner: ConnectionOwner {
    var address: NetworkAddress { get }
    var isNode: Bool { get }
    /// What a CONNECT names.
    var authority: [UInt8] { get }
    /// What proves to other nodes whose calls they are.
    var certificate: Certificate? { get }
    var patience: Keepalive.Patience { get }
    /// Streams that are begun on a connection which has not said how many it takes (RFC 9113 § 6.5.2).
    var firstFlight: Int { get }
    /// Calls that such a connection is given.
    var firstCalls: Int { get }
    func learned(streamLimit: Int)
    /// Calls are given to it, whoever gives them.
    func shares(_ connection: HTTP2ClientConnection)
    /// It takes no more calls; those under way go on.
    func drains(_ connection: HTTP2ClientConnection)
    func forget(_ connection: HTTP2ClientConnection)
    /// Finds another connection for a call that waited for one which takes fewer than it was given.
    func place(_ stream: HTTP2ClientStream, of call: any Call)
    /// Has both sides prove once more who they are.
    func prove()
    /// The other side has ended a connection that was good, and said why.
    func connectionRefused(_ alert: TLSAlert)
}
