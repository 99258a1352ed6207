import Glibc
import Synchronization
import TestSupport

/// Callers with a keep-alive connection each, that call until they are told to stop, and count what went wrong.
final class LoadClient: Sendable {
    struct Report: Sendable {
        var requests = 0
        var failures = 0
        /// Connections that were closed though nobody asked for it.
        var closed = 0
        /// What was wrong, the first few times.
        var complaints: [String] = []
    }

    /// One call of a connection.
    struct Call {
        let connection: RawConnection
        /// Of the caller, from 0.
        let caller: Int
        /// Of its calls, from 0.
        let number: Int
    }

    private let stopping = Atomic(false)
    private let report = Mutex(Report())
    private let running: Atomic<Int>
    private let connect: @Sendable () throws -> RawConnection
    private let call: @Sendable (Call) -> String?

    /// - Parameter call: Sends a request and reads its response; what was wrong with it, or `nil`.
    init(
        port: UInt16, callers: Int, connect: (@Sendable () throws -> RawConnection)? = nil,
        call: @escaping @Sendable (Call) -> String?
    ) {
        running = Atomic(callers)
        self.connect = connect ?? { try RawConnection(port: port) }
        self.call = call
        for caller in 0..<callers {
            spawn {
                self.run(caller)
                self.running.subtract(1, ordering: .sequentiallyConsistent)
            }
        }
    }

    private func run(_ caller: Int) {
        var connection: RawConnection?
        var number = 0
        while !stopping.load(ordering: .relaxed) {
            if connection == nil { connection = try? connect() }
            guard let current = connection else {
                note("cannot connect", closed: false)
                Pause.ofSlowPeer(.milliseconds(20))
                continue
            }
            let complaint = call(Call(connection: current, caller: caller, number: number))
            number += 1
            report.withLock { $0.requests += 1 }
            if let complaint {
                note(complaint, closed: current.isEnded)
                connection = nil
            }
            Pause.ofSlowPeer(.milliseconds(5))  // the machine is shared with what is tested
        }
    }

    private func note(_ complaint: String, closed: Bool) {
        report.withLock { report in
            report.failures += 1
            if closed { report.closed += 1 }
            if report.complaints.count < 5 { report.complaints.append(complaint) }
        }
    }

    var requestCount: Int { report.withLock { $0.requests } }

    /// Returns when every caller is done.
    func stop() -> Report {
        stopping.store(true, ordering: .relaxed)
        Poll.until { running.load(ordering: .sequentiallyConsistent) == 0 }
        return report.withLock { $0 }
    }

    /// A GET and its response.
    static func get(_ path: String, host: String = "orders.shop", on connection: RawConnection) -> Response {
        connection.send("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        return connection.response()
    }
}

extension Response {
    /// Says what came instead of what was expected.
    var summary: String { head.isEmpty ? "no response" : "\(head.prefix(300))\(body.prefix(300))" }

    /// A header field of the request that an echoing workload received.
    func received(_ name: String) -> String? { Response(head: body, body: "").field(name) }
}
