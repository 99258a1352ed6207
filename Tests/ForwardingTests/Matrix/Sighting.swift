/// What one side of a call has seen of the other.
struct Sighting: Sendable, CustomStringConvertible {
    /// How what the call is on has ended.
    enum Fate: String, Sendable {
        /// It has not.
        case none = "goes on"
        /// In good order: FIN, on a message that is not whole as well.
        case closed
        /// RST, RST_STREAM; after a whole message NO_ERROR is none (RFC 9113 § 8.1).
        case reset
    }

    var interim: [Int] = []
    /// The method or the final status; `WebSocket` of a request for one. Empty before there is any.
    var start = ""
    var body: [UInt8] = []
    /// Those that the matrix sends, and `grpc-status`, wherever it stands.
    var trailers: [String: String] = [:]
    /// The message has come to its end.
    var isWhole = false
    /// Bytes after that.
    var excess = 0
    var fate = Fate.none

    /// Nothing more is to come.
    var isOver: Bool { isWhole || fate != .none }

    var description: String {
        let excess = excess > 0 ? ", \(self.excess) bytes too many" : ""
        let interim = interim.isEmpty ? "" : "\(self.interim) "
        let size = body.count > 100 ? "\(body.count) bytes" : "\"\(String(decoding: body, as: UTF8.self))\""
        return "\(interim)\(start) \(size) \(trailers) \(isWhole ? "whole" : "not whole"), \(fate.rawValue)\(excess)"
    }
}
