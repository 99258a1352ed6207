import CLinux
import Glibc
import Synchronization

/// A workload that does what a test says, one thread a connection.
package final class TestBackend: Sendable {
    package let port: UInt16
    private let listener: CInt
    private let state = Mutex(State())

    private struct State {
        var connections = 0
        var requests: [String] = []
    }

    /// - Parameter serve: What happens on each connection, which is closed when it returns.
    package init(port: UInt16 = TestPort.free(), serve: @escaping @Sendable (RawConnection, TestBackend) -> Void) {
        self.port = port
        listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var one: CInt = 1
        _ = unsafe setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
        _ = unsafe Loopback.withAddress(port: port) { address, length in unsafe bind(listener, address, length) }
        _ = listen(listener, 128)
        let descriptor = listener
        spawn { [weak self] in
            while true {
                let accepted = Descriptors.accept(descriptor)
                guard accepted >= 0, let self else { return }
                self.state.withLock { $0.connections += 1 }
                spawn { serve(RawConnection(descriptor: accepted), self) }
            }
        }
    }

    deinit {
        shutdown(listener, CInt(SHUT_RDWR))
        close(listener)
    }

    package var connectionCount: Int { state.withLock { $0.connections } }
    /// The heads that came, in their order.
    package var requests: [String] { state.withLock { $0.requests } }
    package func note(_ head: String) { state.withLock { $0.requests.append(head) } }

    /// Answers every request with 200 and its own head as the body.
    package static func echo() -> TestBackend {
        TestBackend { connection, backend in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return }
                backend.note(head)
                var body = ""
                let request = Response(head: head, body: "")
                if let length = request.field("content-length").flatMap(Int.init) {
                    body = String(decoding: connection.receive(count: length), as: UTF8.self)
                } else if request.field("transfer-encoding") == "chunked" {
                    while let size = Int(connection.receive(through: "\r\n").dropLast(1), radix: 16), size > 0 {
                        body += String(decoding: connection.receive(count: size), as: UTF8.self)
                        _ = connection.receive(through: "\r\n")
                    }
                    while true {
                        let line = connection.receive(through: "\r\n")
                        body += line
                        if line.utf8.count <= 2 { break }
                    }
                }
                let answer = head.hasPrefix("HEAD ") ? "" : head + body
                connection.send(
                    "HTTP/1.1 200 OK\r\nContent-Length: \((head + body).utf8.count)\r\nX-Backend: echo\r\n\r\n\(answer)"
                )
            }
        }
    }

    /// Answers every request with the same bytes, then goes on or closes.
    package static func fixed(
        _ answer: String, closes: Bool = false, port: UInt16 = TestPort.free()
    ) -> TestBackend {
        TestBackend(port: port) { connection, backend in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else { return }
                backend.note(head)
                connection.send(answer)
                if closes { return }
            }
        }
    }
}

/// Runs `body` on a thread of its own.
package func spawn(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = unsafe Unmanaged.passRetained(Box(body))
    unsafe pthread_create(
        &thread, nil,
        { argument in
            unsafe Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    pthread_detach(thread)
}
