/// What a peer sends besides data once the handshake is done: key updates, tickets, attempts to renegotiate, alerts, empty
/// records. A few are well; each costs more to take than to send, and to whoever reads the data none of them is ever seen.
struct RecordTraffic {
    /// Records, and messages in them, that may come between two records with data.
    static let limit = 32
    /// Work after which a read returns with what data it has.
    private static let workOfARead = 256
    /// What a message of the handshake's kind counts for among records: new keys are derived, an answer is written.
    private static let workOfAMessage = 16

    private var isOpen = false
    private var records = 0
    private var messages = 0
    private var work = 0

    /// The handshake is done: what comes from now on is counted.
    mutating func handshakeDone() { isOpen = true }

    /// A record's header has come.
    mutating func receivedRecord() {
        work += 1
        if isOpen { records += 1 }
    }

    /// A message of the handshake's kind has come, in whole.
    mutating func receivedMessage() {
        work += Self.workOfAMessage
        if isOpen { messages += 1 }
    }

    /// Data was read.
    mutating func receivedData() { (records, messages) = (0, 0) }

    mutating func readBegins() { work = 0 }

    /// The peer sends nothing worth to be read. The last record may be the one with data: that shows when it is read.
    var isFlood: Bool { records > Self.limit + 1 || messages > Self.limit }

    /// A read has done its share.
    var isEnoughForARead: Bool { work >= Self.workOfARead }
}
