import Glibc

/// Serves all connections on one thread with poll(2): enough for trying things out, and nothing to synchronize.
struct Server {
    /// Connections held at once; more wait in the kernel's queue.
    private static let connectionLimit = 1_000

    private let name: String
    private let listener: Int32
    private var connections: [Connection] = []

    init(name: String, host: String, port: UInt16) throws(Failure) {
        self.name = name
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0 else { throw .system("socket", errno: errno) }
        var enabled: Int32 = 1
        _ = unsafe setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &enabled, socklen_t(MemoryLayout<Int32>.size))

        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard unsafe inet_pton(AF_INET, host, &address.sin_addr) == 1 else {
            throw .usage("found \"\(host)\", expected an IPv4 address")
        }
        let bound = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe bind(listener, generic, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0 else { throw .system("listening on \(host):\(port)", errno: errno) }
        guard listen(listener, 512) == 0 else { throw .system("listen", errno: errno) }
    }

    /// Serves until the process is ended.
    mutating func run() throws(Failure) {
        while true {
            let acceptsMore = connections.count < Self.connectionLimit
            var watched = [pollfd(fd: acceptsMore ? listener : -1, events: Int16(POLLIN), revents: 0)]
            watched += connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            guard unsafe poll(&watched, nfds_t(watched.count), -1) >= 0 else {
                if errno == EINTR { continue }
                throw .system("poll", errno: errno)
            }
            let ready = zip(connections, watched.dropFirst())
            connections = ready.compactMap { connection, state in
                state.revents == 0 || connection.serve(as: name) ? connection : nil
            }
            if watched[0].revents != 0 { accept() }
        }
    }

    private mutating func accept() {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { return }  // the caller has gone again, or descriptors are short for a moment
        var enabled: Int32 = 1
        _ = unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &enabled, socklen_t(MemoryLayout<Int32>.size))
        connections.append(Connection(descriptor: descriptor))
    }
}

/// One caller's connection, with what has arrived of its next request.
final class Connection {
    /// Head and body of one request together, in bytes. Over it the connection is closed.
    private static let requestByteLimit = 1 << 20

    let descriptor: Int32
    private var received: [UInt8] = []
    /// Once the caller has begun to speak HTTP/2.
    private var conversation: HTTP2Conversation?

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        _ = close(descriptor)
    }

    /// Reads what is there and answers every request that is complete.
    /// - Returns: Whether the connection stays open.
    func serve(as name: String) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        let count = unsafe recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { return false }
        if let conversation { return converse(conversation, chunk[..<count]) }
        received += chunk[..<count]
        switch HTTP2Conversation.begins(received) {
        case .yes:
            let conversation = HTTP2Conversation(service: name)
            self.conversation = conversation
            return converse(conversation, received[...])
        case .perhaps: return true
        case .no: break
        }
        do throws(MalformedRequest) {
            while let (request, byteCount) = try Request.parse(received) {
                received.removeFirst(byteCount)
                guard send(request.echo(service: name)), !request.closesConnection else { return false }
            }
        } catch {
            _ = send(Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8))
            return false
        }
        return received.count <= Self.requestByteLimit
    }

    private func converse(_ conversation: HTTP2Conversation, _ bytes: ArraySlice<UInt8>) -> Bool {
        let (answer, isOver) = conversation.answer(to: Array(bytes))
        return send(answer) && !isOver
    }

    private func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { buffer in
                unsafe Glibc.send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
