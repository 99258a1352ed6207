import Cryptography

/// HTTP/1.1 (RFC 9112), and the WebSocket that a connection of it becomes.
final class HTTP1Wire: Wire {
    private enum State {
        case head
        case content(left: Int)
        case chunkSize
        case chunk(left: Int)
        case trailers
        /// To the end of the connection.
        case rest
        case tunnel
        case done
    }

    private var state = State.head
    private var pending: [UInt8] = []
    /// The method that an answer is for.
    private var asked = ""
    private var isChunked = false
    private var key = ""

    // MARK: Saying

    override func send(_ head: Head) {
        var lines: [String]
        if side == .caller {
            asked = head.start
            lines = ["\(head.start) \(head.path) HTTP/1.1", "Host: \(head.host)"]
            if head.isWebSocket {
                lines += [
                    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                ]
            }
        } else {
            lines = ["HTTP/1.1 \(head.start) As It Is"]
            if head.isWebSocket {
                let accept = WebSocketKey(Array(key.utf8).span).map { String(decoding: $0.accept, as: UTF8.self) }
                lines += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Accept: \(accept ?? "")"]
                state = .tunnel
            }
        }
        isChunked = head.hasBody && head.length == nil && !head.isWebSocket && !head.start.hasPrefix("1")
        if isChunked { lines.append("Transfer-Encoding: chunked") }
        if let length = head.length { lines.append("Content-Length: \(length)") }
        lines += head.fields.map { "\($0.name): \($0.value)" }
        link.send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
    }

    override func say(_ bytes: [UInt8]) { link.send(isChunked ? Self.chunk(bytes) : bytes) }

    private static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        bytes.isEmpty ? [] : Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8)
    }

    override var floodPiece: [UInt8] { isChunked ? Self.chunk(super.floodPiece) : super.floodPiece }

    override func finish(trailers: [String: String]) {
        if case .tunnel = state { return link.endOutput() }
        guard isChunked else { return }
        let lines = trailers.map { "\($0.key): \($0.value)\r\n" }.joined()
        link.send(Array("0\r\n\(lines)\r\n".utf8))
    }

    // MARK: Hearing

    override func beginNext() {
        super.beginNext()
        state = .head
    }

    override func inputEnded() {
        switch state {
        case .rest, .tunnel: if seen.isWhole { seen.fate = .closed } else { seen.isWhole = true }
        case .head, .content, .chunkSize, .chunk, .trailers, .done: seen.fate = .closed
        }
    }

    override func receive(_ bytes: [UInt8]) {
        pending += bytes
        while step() {}
    }

    /// - Returns: Whether there may be more in what came.
    private func step() -> Bool {
        switch state {
        case .head: return takeHead()
        case .content(let left):
            let count = takeBody(upTo: left)
            if count == left { end() } else { state = .content(left: left - count) }
            return count > 0
        case .chunkSize:
            guard let line = takeLine() else { return false }
            guard let size = Int(line, radix: 16) else { return fail() }
            state = size == 0 ? .trailers : .chunk(left: size)
            return true
        case .chunk(let left):
            let count = takeBody(upTo: left)
            state = .chunk(left: left - count)
            guard left == count, takeLine() == "" else { return false }
            state = .chunkSize
            return true
        case .trailers:
            guard let line = takeLine() else { return false }
            if line.isEmpty { end() } else { note(trailers: [Self.field(line)]) }
            return true
        case .rest, .tunnel:
            _ = takeBody(upTo: .max)
            return false
        case .done:
            seen.excess += pending.count
            pending = []
            return false
        }
    }

    private func takeHead() -> Bool {
        guard let mark = pending.firstRange(of: Array("\r\n\r\n".utf8)) else { return false }
        let lines = String(decoding: pending[..<mark.lowerBound], as: UTF8.self).split(separator: "\r\n")
        pending.removeSubrange(..<mark.upperBound)
        let fields = lines.dropFirst().map { Self.field(String($0)) }
        func value(_ name: String) -> String? { fields.first { $0.name == name }?.value }
        let words = lines[0].split(separator: " ").map(String.init)
        note(trailers: fields.filter { $0.name == "grpc-status" })
        if side == .workload {
            let isWebSocket = value("upgrade") == "websocket"
            seen.start = isWebSocket ? "WebSocket" : words[0]
            key = value("sec-websocket-key") ?? ""
            if isWebSocket {
                state = .tunnel
                return true
            }
        } else {
            let status = Int(words[1]) ?? 0
            guard status >= 200 || status == 101 else {
                seen.interim.append(status)
                return true
            }
            seen.start = "\(status)"
            if status == 101 {
                state = .tunnel
                return true
            }
            // RFC 9112 § 6.3.
            if asked == "HEAD" || status == 204 || status == 304 {
                end()
                return true
            }
        }
        if value("transfer-encoding") == "chunked" {
            state = .chunkSize
        } else if let length = value("content-length").flatMap(Int.init) {
            state = .content(left: length)
            if length == 0 { end() }
        } else if side == .caller {
            state = .rest
        } else {
            end()
        }
        return true
    }

    private func end() {
        state = .done
        seen.isWhole = true
    }

    /// What came is no HTTP.
    private func fail() -> Bool {
        seen.excess += pending.count
        pending = []
        return false
    }

    private func takeBody(upTo limit: Int) -> Int {
        let count = min(limit, pending.count)
        seen.body += pending[..<count]
        pending.removeFirst(count)
        return count
    }

    private func takeLine() -> String? {
        guard let end = pending.firstRange(of: Array("\r\n".utf8)) else { return nil }
        defer { pending.removeSubrange(..<end.upperBound) }
        return String(decoding: pending[..<end.lowerBound], as: UTF8.self)
    }

    private static func field(_ line: String) -> (name: String, value: String) {
        let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
        return (parts[0].lowercased(), parts.count < 2 ? "" : String(parts[1].drop { $0 == " " }))
    }
}
