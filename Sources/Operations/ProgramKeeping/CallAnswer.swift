import Diagnostics
import EventLoops
import Glibc
import HTTPSemantics
import SystemInterfaces
import WireProtocols

/// One call over HTTP/1.1 whose answer is read as it comes. Blocks its thread.
final class CallAnswer {
    private static let readByteCount = 64 * 1024
    /// For the head, and while nothing is sent: Heddle writes something every 15 s.
    private static let patience = Duration.seconds(45)

    private let socket: Socket
    private var bytes: [UInt8] = []
    private var decoder = HTTP1BodyDecoder()
    private(set) var head = MessageHead()

    /// Calls, and waits for the head of the answer.
    init(_ path: String, host: String, fields: [(name: String, value: String)], at place: NetworkAddress)
        throws(BrokenAnswer)
    {
        socket = try Self.connect(to: place)
        var text = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\n"
        for field in fields { text += "\(field.name): \(field.value)\r\n" }
        try send(Array("\(text)\r\n".utf8))
        try readHead()
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
    func next() throws(BrokenAnswer) -> [UInt8]? {
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
    func text(limit: Int = 16 * 1024) throws(BrokenAnswer) -> [UInt8] {
        var text: [UInt8] = []
        while text.count < limit, let piece = try next() { text += piece.prefix(limit - text.count) }
        return text
    }

    /// - Parameter name: In lower case.
    func field(_ name: StaticString) -> String? {
        for index in 0..<head.fieldCount where head.withBytes(head.fields[index].name, { ASCII.equal($0, name.bytes) })
        {
            return head.text(head.fields[index].value)
        }
        return nil
    }

    private func readHead() throws(BrokenAnswer) {
        var framing = HTTP1Framing()
        var scan = HTTP1ScanState()
        while true {
            let used: Int?
            let input = bytes
            do throws(HTTP1Error) {
                used = try HTTP1ResponseParser.parse(
                    input.span, into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan, requestMethod: .get)
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
            guard Self.wait(socket, for: POLLIN, Self.patience) else { throw Self.late }
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
                guard Self.wait(socket, for: POLLOUT, Self.patience) else { throw Self.late }
            } else if errno != EINTR {
                throw BrokenAnswer(description: "cannot ask: \(FailedCall.reason(errno))")
            }
        }
    }

    private static let late = BrokenAnswer(description: "no answer in time")

    /// - Returns: Whether it has come so far.
    private static func wait(_ socket: borrowing Socket, for event: CInt, _ patience: Duration) -> Bool {
        var polled = pollfd(fd: socket.descriptor, events: Int16(event), revents: 0)
        while true {
            let count = unsafe poll(&polled, 1, CInt(patience.components.seconds * 1000))
            if count < 0, errno == EINTR { continue }
            return count > 0
        }
    }
}
