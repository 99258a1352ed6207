import Synchronization
import TestSupport
import Testing

@testable import Forwarding

/// What a node hears of another that ends a connection which was good.
struct RefusedConnectionTests {
    private static let get = "GET /a HTTP/1.1\r\nHost: orders\r\n\r\n"

    /// Between two nodes: passes on what they say, and says what nobody said when it is told to.
    private final class Meddler: Sendable {
        private let towardsNode = Mutex<RawConnection?>(nil)

        /// Notes when both sides of a connection know of its end.
        func backend(before port: UInt16) -> TestBackend {
            TestBackend { [self] connection, backend in
                guard let other = try? RawConnection(port: port) else { return }
                towardsNode.withLock { $0 = other }
                spawn {
                    while true {
                        let bytes = other.receive()
                        guard !bytes.isEmpty || !other.isEnded else { break }
                        connection.send(bytes)
                    }
                    // A reset must not overtake what came before it, as it can where the two are sent from two cores.
                    connection.waitUntilDelivered()
                    connection.reset()
                    backend.note("ended")
                }
                while true {
                    let bytes = connection.receive()
                    guard !bytes.isEmpty || !connection.isEnded else { return }
                    other.send(bytes)
                }
            }
        }

        /// A record that nobody has sealed.
        func meddle() {
            towardsNode.withLock { _ = $0?.send([23, 3, 3, 0, 32] + [UInt8](repeating: 0, count: 32)) }
        }
    }

    /// Two nodes with one in between.
    private struct World {
        let pair: NodePair
        let meddler: Meddler
        let between: TestBackend
        private let told: Told

        private final class Told: Sendable {
            let lines = Mutex<[String]>([])
        }

        init(orders: UInt16) async throws {
            let told = Told()
            let between = Mutex<TestBackend?>(nil)
            let meddler = Meddler()
            let sink = EventSink { event in
                guard case .upstreamConnectionRefused(_, "shop/orders", let reason) = event else { return }
                told.lines.withLock { $0.append(reason) }
            }
            pair = try await NodePair(orders: orders, events: sink) { port in
                let backend = meddler.backend(before: port)
                between.withLock { $0 = backend }
                return backend.port
            }
            self.meddler = meddler
            self.between = between.withLock { $0! }
            self.told = told
        }

        var reasons: [String] { told.lines.withLock { $0 } }
        var counted: [String: UInt64] { get async { await pair.a.dataPlane.report().counters.upstreamAlerts } }
        func call() throws -> Int { try RawConnection.call(port: pair.port, RefusedConnectionTests.get).status }
    }

    @Test func `why another node ended a connection in use is told once a minute, and counted each time`() async throws
    {
        let backend = TestBackend.echo()
        let world = try await World(orders: backend.port)
        for count: UInt64 in 1...3 {
            #expect(try world.call() == 200)
            world.meddler.meddle()
            #expect(await Poll.until { await world.counted == ["alert-bad-record-mac": count] })
        }
        #expect(world.reasons == ["alert-bad-record-mac"])
        await world.pair.stop()
    }

    @Test func `the reason is heard, too, where a write finds out first that the connection is gone`() async throws {
        let backend = TestBackend.echo()
        let world = try await World(orders: backend.port)
        let caller = try RawConnection(port: world.pair.port)
        #expect(caller.call(Self.get).status == 200)
        await world.pair.a.dataPlane.onEveryWorker { worker in
            // All of it happens while the worker hears nothing: what it does next is write.
            let ended = world.between.requests.count
            world.meddler.meddle()
            Poll.until { world.between.requests.count > ended }
            caller.send(Self.get)
            caller.waitUntilDelivered()
            for connection in worker.connections { connection.readNow() }
        }
        // Nothing of it was sent.
        #expect(caller.response().status == 200)
        #expect(world.reasons == ["alert-bad-record-mac"])
        await world.pair.stop()
    }
}
