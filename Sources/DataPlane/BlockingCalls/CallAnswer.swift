import Diagnostics
package import EventLoops
import Glibc
package import HTTPSemantics
import SystemInterfaces
import WireProtocols

/// One call over HTTP/1.1 whose answer is read as it comes. Blocks its thread.
package final class CallAnswer {
    private static let readByteCount = 64 * 1024

    private let socket: Socket
    private let patience: Patience
    private var bytes: [UInt8] = []
    private var decoder = HTTP1BodyDecoder()
    package private(set) var head = MessageHead()

    /// How long an answer may take.
    package enum Patience: Sendable {
        /// For its head, and while nothing comes.
        case silence(Duration)
        /// For all of it.
        case until(ContinuousClock.Instant)
    }

    /// What is asked for. Names and values are taken as they are.
    package struct Request {
        private let text: String
        fileprivate let method: KnownMethod

        package init(
            _ method: KnownMethod, _ path: String, host: String, fields: [(name: String, value: String)] = []
        ) {
            self.method = method
            text = fields.reduce("\(method.name) \(path) HTTP/1.1\r\nHost: \(host)\r\n") {
                $0 + "\($1.name): \($1.value)\r\n"
            }
        }

        fileprivate var bytes: [UInt8] { Array("\(text)\r\n".utf8) }
    }

    /// Connects, calls, and waits for the head of the answer.
    package convenience init(_ request: Request, at place: NetworkAddress, _ patience: Patience) throws(BrokenAnswer) {
        try self.init(request, over: try Self.connect(to: place), patience)
    }

    /// Calls, and waits for the head of the answer.
    /// - Parameter socket: Connected.
    package init(_ request: Request, over socket: consuming Socket, _ patience: Patience) throws(BrokenAnswer) {
        self.socket = socket
        self.patience = patience
        try send(request.bytes)
        try readHead(of: request.method)
    }

    private static func connect(to place: NetworkAddress) throws(BrokenAnswer) -> Socket {
        do throws(SystemCallError) {
            let socket = try Socket.connecting(to: place)
            var error = wait(socket, for: POLLOUT, .seconds(5)) ? 0 : ETIMEDOUT
            if error == 0 { error = socket.connectError() }
            guard error == 0 else { throw SystemCallError("connect", errno: error) }
            return socket
        } catch {
            throw BrokenAnswer(description: "cannot connect to \(place): \(error.reason)")
        }
    }

    /// The next piece of the body.
    /// - Returns: `nil`: it has ended, in good order.
    package func next() throws(BrokenAnswer) -> [UInt8]? {
        var trailers = MessageHead()
        while true {
            if !bytes.isEmpty || decoder.isComplete {
                let event: HTTP1BodyDecoder.Event
                let input = bytes
                do throws(HTTP1Error) {
                    event = try decoder.next(input.span, trailers: &trailers, limits: HTTP1Limits())
                } catch {
                    throw BrokenAnswer(description: "what came is no HTTP: \(error.name)")
                }
                switch event {
                case .data(let range):
                    let piece = Array(bytes[range])
                    bytes.removeFirst(range.upperBound)
                    return piece
                case .needsMore(let used): bytes.removeFirst(used)
                case .end: return nil
                }
            }
            guard try receive() else {
                if decoder.endsWithConnection { return nil }
                throw BrokenAnswer(description: "the answer was cut off")
            }
        }
    }

    /// All of a short body.
    package func text(limit: Int = 16 * 1024) throws(BrokenAnswer) -> [UInt8] {
        var text: [UInt8] = []
        while text.count < limit, let piece = try next() { text += piece.prefix(limit - text.count) }
        return text
    }

    /// - Parameter name: In lower case.
    package func field(_ name: StaticString) -> String? {
        for index in 0..<head.fieldCount where head.withBytes(head.fields[index].name, { ASCII.equal($0, name.bytes) })
        {
            return head.text(head.fields[index].value)
        }
        return nil
    }

    private func readHead(of method: KnownMethod) throws(BrokenAnswer) {
        var framing = HTTP1Framing()
        var scan = HTTP1ScanState()
        while true {
            let used: Int?
            let input = bytes
            do throws(HTTP1Error) {
                used = try HTTP1ResponseParser.parse(
                    input.span, into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan,
                    requestMethod: method)
            } catch {
                throw BrokenAnswer(description: "what came is no HTTP: \(error.name)")
            }
            if let used {
                bytes.removeFirst(used)
                scan = HTTP1ScanState()
                guard head.status < 200 else { break }
            } else if try !receive() {
                throw BrokenAnswer(description: "there was no answer")
            }
        }
        decoder = HTTP1BodyDecoder(framing.body)
    }

    /// - Returns: `false`: there is no more.
    private func receive() throws(BrokenAnswer) -> Bool {
        while true {
            guard waits(for: POLLIN) else { throw Self.late }
            let (count, number) = unsafe withUnsafeTemporaryAllocation(byteCount: Self.readByteCount, alignment: 1) {
                buffer in
                let count = unsafe recv(socket.descriptor, buffer.baseAddress, buffer.count, 0)
                if count > 0 { unsafe bytes.append(contentsOf: buffer[..<count]) }
                return (count, errno)
            }
            if count < 0, number == EINTR || number == EAGAIN { continue }
            guard count >= 0 else {
                throw BrokenAnswer(description: "the answer was cut off: \(FailedCall.reason(number))")
            }
            return count > 0
        }
    }

    private func send(_ bytes: [UInt8]) throws(BrokenAnswer) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    socket.descriptor, buffer.baseAddress! + sent, buffer.count - sent, CInt(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                guard waits(for: POLLOUT) else { throw Self.late }
            } else if errno != EINTR {
                throw BrokenAnswer(description: "cannot ask: \(FailedCall.reason(errno))")
            }
        }
    }

    private static let late = BrokenAnswer(description: "no answer in time")

    private func waits(for event: CInt) -> Bool {
        switch patience {
        case .silence(let longest): Self.wait(socket, for: event, longest)
        case .until(let end): Self.wait(socket, for: event, max(.zero, end - .now))
        }
    }

    /// - Returns: Whether it has come so far.
    private static func wait(_ socket: borrowing Socket, for event: CInt, _ patience: Duration) -> Bool {
        var polled = pollfd(fd: socket.descriptor, events: Int16(event), revents: 0)
        while true {
            let count = unsafe poll(&polled, 1, CInt(clamping: Int64(patience / .milliseconds(1))))
            if count < 0, errno == EINTR { continue }
            return count > 0
        }
    }
}
