import HTTPTransfers
import Synchronization

/// Takes an answer that is a message a line, for as long as it goes on.
final class EtcdLines: TransferReceiver {
    private let line = Mutex<[UInt8]>([])
    private let take: @Sendable ([UInt8]) -> Void
    private let end: @Sendable (String?) -> Void

    init(_ take: @escaping @Sendable ([UInt8]) -> Void, ended: @escaping @Sendable (String?) -> Void) {
        self.take = take
        end = ended
    }

    func received(_ head: TransferHead) {}

    func received(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = unsafe bytes[...]
        while let end = unsafe rest.firstIndex(of: UInt8(ascii: "\n")) {
            let whole = line.withLock { line in
                defer { line = [] }
                return unsafe line + rest[..<end]
            }
            unsafe rest = rest[(end + 1)...]
            if !whole.isEmpty { take(whole) }
        }
        return line.withLock { line in
            unsafe line += rest
            return line.count <= EtcdAnswer.byteLimit
        }
    }

    func ended(_ failure: TransferFailure?) {
        // An error before the stream is a message, too, without a line's end.
        let rest = line.withLock { $0 }
        end(failure?.description ?? EtcdAnswer(rest)?.problem)
    }
}
