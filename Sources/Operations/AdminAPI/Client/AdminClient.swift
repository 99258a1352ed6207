import Diagnostics
import Glibc
import HTTPSemantics
import WireProtocols

/// Asks the admin API of a running mesh, one question a connection. Blocks its thread: for commands.
package struct AdminClient: Sendable {
    /// The Unix socket.
    package let path: String

    /// An answer, ready to print.
    package struct Answer: Sendable, Hashable {
        package let status: UInt16
        /// What the command ends with.
        package let exitCode: Int32
        /// For standard error.
        package let diagnostics: [UInt8]
        /// For standard output.
        package let output: [UInt8]
    }

    /// The running mesh cannot be reached, or did not answer; for people.
    package struct Unreachable: Error, Hashable, CustomStringConvertible {
        package let description: String
        /// What to do about it.
        package let remedy: String
        /// It had all of the question: what it was asked to do may be done.
        package let wasAsked: Bool

        init(_ description: String, remedy: String, wasAsked: Bool = false) {
            self.description = description
            self.remedy = remedy
            self.wasAsked = wasAsked
        }
    }

    /// Bytes of an answer. A list of 100,000 resources is below it.
    private static let answerByteLimit = 1 << 30
    private static let readByteCount = 64 * 1024

    /// Bytes of a question, as `targetByteCount` counts them, that a running mesh takes.
    package static let targetByteLimit = AdminLimits().head.targetByteCount

    package init(path: String) { self.path = path }

    /// How long a question is without its body, as it is sent.
    package static func targetByteCount(_ path: [String], query: [(name: String, value: String)]) -> Int {
        target(path, query).utf8.count
    }

    private static func target(_ path: [String], _ query: [(name: String, value: String)]) -> String {
        let target = path.map { "/" + AdminRequest.percentEncoded($0) }.joined()
        guard !query.isEmpty else { return target }
        let parameters = query.map {
            "\(AdminRequest.percentEncoded($0.name))=\(AdminRequest.percentEncoded($0.value))"
        }
        return "\(target)?\(parameters.joined(separator: "&"))"
    }

    /// - Parameters:
    ///   - path: in segments, not escaped yet.
    ///   - seconds: to wait for the next bytes; 0: for ever.
    package func send(
        _ method: String, _ path: [String], query: [(name: String, value: String)] = [], contentType: String? = nil,
        body: [UInt8] = [], timeout seconds: Int = 30
    ) throws(Unreachable) -> Answer {
        let socket = try connect(timeout: seconds)
        defer { close(socket) }
        var head = "\(method) \(Self.target(path, query)) HTTP/1.1\r\nHost: heddle\r\nConnection: close\r\n"
        if let contentType { head += "Content-Type: \(contentType)\r\n" }
        if contentType != nil || !body.isEmpty { head += "Content-Length: \(body.count)\r\n" }
        let refusal = write(Array("\(head)\r\n".utf8) + body, to: socket)
        // A refusal may come before all is sent: it says more than the broken pipe.
        let answer = try readAll(socket, isAsked: refusal == 0)
        guard answer.isEmpty, refusal != 0 else { return try parse(answer, isAsked: refusal == 0) }
        throw [EPIPE, ECONNRESET].contains(refusal) ? ended(isAsked: false) : failed("cannot write", refusal)
    }

    private func failed(_ call: String, _ number: CInt, isAsked: Bool = false) -> Unreachable {
        let reason = number == EAGAIN ? "no answer in time" : FailedCall.reason(number)
        return Unreachable(
            "\(call) at \(path): \(reason)", remedy: "look into the log of the running mesh", wasAsked: isAsked)
    }

    /// The connection ended, and with it mostly the process.
    private func ended(isAsked: Bool) -> Unreachable {
        Unreachable(
            "the mesh at \(path) ended before it \(isAsked ? "had answered" : "was told what is asked of it")",
            remedy: "look into its log, and ask again once it runs", wasAsked: isAsked)
    }

    private func unreachable(_ number: CInt) -> Unreachable {
        let reason = FailedCall.reason(number)
        switch number {
        case ENOENT, ECONNREFUSED, ENOTDIR:
            return Unreachable(
                "no mesh runs at \(path): \(reason)",
                remedy: "start one with `heddle run`, or name the place of the one that runs with --admin or --state")
        case EACCES, EPERM:
            let owner = Owner(of: path)
            return Unreachable(
                "\(owner.place) is not for user \(Owner.name(geteuid())): \(reason)",
                remedy: owner.name == "root"
                    ? "ask as root, whose it is (sudo heddle \u{2026})"
                    : "ask as \(owner.name), whose it is (sudo -u \(owner.name) heddle \u{2026}), or as root")
        case EMFILE, ENFILE:
            return Unreachable(
                "cannot connect to \(path): \(reason)", remedy: "raise the limit of open files (ulimit -n)")
        case EAGAIN:
            return Unreachable(
                "the mesh at \(path) takes no more connections now",
                remedy: "try again; if it stays so, look into its log")
        default:
            return Unreachable(
                "cannot reach the running mesh at \(path): \(reason)",
                remedy: "name the admin socket of a mesh that runs with --admin or --state")
        }
    }

    /// Whose the socket is, or the folder that hides it.
    private struct Owner {
        let place: String
        let name: String

        init(of path: String) {
            var place = path
            var status = stat()
            while unsafe lstat(place, &status) != 0, let slash = place.lastIndex(of: "/"), slash != place.startIndex {
                place = String(place[..<slash])
            }
            self.place = place
            name = Self.name(status.st_uid)
        }

        /// As the host calls the user; else the number.
        static func name(_ id: uid_t) -> String {
            guard let entry = unsafe getpwuid(id), let name = unsafe entry.pointee.pw_name else { return "\(id)" }
            return unsafe String(cString: name)
        }
    }

    private func connect(timeout seconds: Int) throws(Unreachable) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count <= 107, !bytes.contains(0) else {
            throw Unreachable(
                "the admin socket's path is over 107 bytes: \(path)",
                remedy: "name a shorter one with --admin or --state")
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failed("cannot make a socket", errno) }
        if seconds > 0 {
            var time = timeval(tv_sec: seconds, tv_usec: 0)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                _ = unsafe setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
            }
        }
        let result = unsafe withUnsafeBytes(of: &address) { raw in
            unsafe Glibc.connect(
                descriptor, raw.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_un>.size))
        }
        guard result == 0 else {
            let error = unreachable(errno)
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// - Returns: 0, or `errno` of what keeps it from taking more.
    private func write(_ bytes: [UInt8], to socket: CInt) -> CInt {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    socket, buffer.baseAddress! + written, buffer.count - written, CInt(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return errno }
            written += count
        }
        return 0
    }

    private func readAll(_ socket: CInt, isAsked: Bool) throws(Unreachable) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: Self.readByteCount)
        while bytes.count < Self.answerByteLimit {
            let count = unsafe recv(socket, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            // A reset is an end like another: after the whole answer it takes nothing from it, and its length is checked below.
            if count < 0, errno != ECONNRESET, bytes.isEmpty || errno == EAGAIN {
                throw failed("no answer", errno, isAsked: isAsked)
            }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    private func parse(_ bytes: [UInt8], isAsked: Bool) throws(Unreachable) -> Answer {
        var head = MessageHead()
        var framing = HTTP1Framing()
        var scan = HTTP1ScanState()
        var start = 0
        repeat {
            let used: Int?
            do throws(HTTP1Error) {
                used = try HTTP1ResponseParser.parse(
                    bytes.span.extracting(start...), into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan,
                    requestMethod: .get)
            } catch {
                throw stranger(error)
            }
            guard let used else { throw ended(isAsked: isAsked) }
            start += used
            scan = HTTP1ScanState()
        } while head.status < 200
        let body = Array(bytes[start...])
        guard let byteCount = head.contentLength, byteCount >= UInt64(body.count) else {
            throw stranger(.invalidContentLength)
        }
        guard byteCount == UInt64(body.count) else { throw ended(isAsked: isAsked) }
        let diagnostics = min(body.count, number(AdminResponse.diagnosticsField, in: head) ?? 0)
        let exitCode = number(AdminResponse.exitCodeField, in: head) ?? (head.status < 300 ? 0 : 1)
        return Answer(
            status: head.status, exitCode: Int32(clamping: exitCode), diagnostics: Array(body[..<diagnostics]),
            output: Array(body[diagnostics...]))
    }

    private func stranger(_ error: HTTP1Error) -> Unreachable {
        Unreachable(
            "what answers at \(path) is no heddle: \(error.name)",
            remedy: "name the admin socket of a mesh that runs with --admin or --state")
    }

    private func number(_ name: String, in head: borrowing MessageHead) -> Int? {
        let bytes = Array(name.utf8)
        guard let index = head.firstField(name: bytes.span, known: .other, from: 0) else { return nil }
        return Int(head.text(head.fields[index].value))
    }
}
