extension HTTP2Probe {
    /// Sends content until the stream's window is shut, and does not open again for what was sent.
    /// - Returns: `false` if there was none for the connection, or no way to send.
    func fill(_ id: UInt32) -> Bool {
        repeat {
            while credit.stream(id) > 0 { guard sendPart(of: .max, on: id, ends: false) > 0 else { return false } }
            guard makeRoundTrip() else { return false }
        } while credit.stream(id) > 0
        return true
    }

    /// Sends content as the windows allow, and ends the stream with it.
    func sendContent(_ byteCount: Int, on id: UInt32) -> Bool {
        var left = byteCount
        while left > 0 {
            let count = sendPart(of: left, on: id, ends: true)
            guard count > 0 else { return false }
            left -= count
        }
        return true
    }

    /// A frame of it, as soon as there is a window.
    /// - Returns: How much; 0: there is none, or the stream is over.
    private func sendPart(of left: Int, on id: UInt32, ends: Bool) -> Int {
        read { $0.credit.left(id) > 0 || $0.stream(id).reset != nil || !$0.goAways.isEmpty }
        guard stream(id).reset == nil, goAways.isEmpty else { return 0 }
        let count = max(0, min(left, 16_384, credit.left(id)))
        guard count > 0, send(.data(id, count: count, endStream: ends && count == left)) else { return 0 }
        return count
    }
}
