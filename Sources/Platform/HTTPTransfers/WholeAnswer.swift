import Synchronization

/// Takes an answer whole, and no more of it than is wanted.
package final class WholeAnswer: TransferReceiver {
    package enum Outcome: Sendable {
        case answer(TransferHead, [UInt8])
        /// It has more bytes than the limit.
        case tooLarge
        case failed(TransferFailure)
    }

    private struct State {
        var head = TransferHead()
        var bytes: [UInt8] = []
        var isTooLarge = false
    }

    private let limit: Int
    private let status: Int?
    private let take: @Sendable (Outcome) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: In bytes.
    ///   - status: What follows another one is neither kept nor counted. `nil`: all is.
    package init(limit: Int, status: Int? = nil, _ take: @escaping @Sendable (Outcome) -> Void) {
        self.limit = limit
        self.status = status
        self.take = take
    }

    package func received(_ head: TransferHead) { state.withLock { $0.head = head } }

    package func received(_ bytes: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            guard status == nil || state.head.status == status else { return true }
            state.isTooLarge = state.bytes.count + bytes.count > limit
            if !state.isTooLarge { unsafe state.bytes += bytes }
            return !state.isTooLarge
        }
    }

    package func ended(_ failure: TransferFailure?) {
        let state = state.withLock { $0 }
        if let failure { return take(.failed(failure)) }
        take(state.isTooLarge ? .tooLarge : .answer(state.head, state.bytes))
    }
}
