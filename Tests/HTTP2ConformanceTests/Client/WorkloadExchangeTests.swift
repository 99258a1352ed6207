import HPACKCoding
import Synchronization
import TestSupport
import Testing

/// Heddle as the client of an HTTP/2 workload, where more is said than one answer: prefaces, GOAWAY, settings, windows.
struct WorkloadExchangeTests {
    private static func answer(_ probe: HTTP2Probe, _ id: UInt32 = 1, _ text: String = "hello") {
        probe.send(.headers(id, .ok, endStream: false), .data(id, Array(text.utf8), endStream: true))
    }

    /// Answers every request until the connection ends.
    static func answerAll(_ probe: HTTP2Probe, besides done: Set<UInt32> = []) {
        var done = done
        while !probe.hasEnded {
            for (id, stream) in probe.streams where stream.hasEnded && done.insert(id).inserted { answer(probe, id) }
            probe.next()
        }
    }

    // MARK: Prefaces

    @Test func `§ 3.4 a client's preface says that it wants no pushes, and its request keeps the rules`() async throws {
        let problem = try await ScriptedWorkload.serve { probe, _ in
            probe.readEnd(of: 1)
            Self.answer(probe)
            guard probe.peerSettings[2] == 0 else { return "pushes are not turned off" }
            guard let head = probe.stream(1).heads.first else { return "no head" }
            let pseudo = Fields([(":method", "GET"), (":scheme", "http"), (":path", "/a"), (":authority", "orders")])
            for line in pseudo.lines where head[line.name] != line.value { return "the head is \(head)" }
            for name in ["x-hop", "keep-alive", "connection"] where head[name] != nil {
                return "\(name) got through"
            }
            return Outcome.nothing.problem(probe)
        } call: { port, _ in
            let view = try RawConnection.call(
                port: port,
                "GET /a HTTP/1.1\r\nHost: ORDERS\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\nTE: gzip\r\n"
                    + "Keep-Alive: timeout=5\r\nX-Field: Value\r\n\r\n")
            #expect(view.body == "hello")
        }
        #expect(problem == nil)
    }

    @Test(arguments: [
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
        String(latin1: Frame.ping().bytes), String(latin1: Frame.headers(1, .ok).bytes),
        String(latin1: Frame.settingsAcknowledgement.bytes), "",
    ])
    func `§ 3.4 a server whose preface is none gets no call, and the caller 502 or 503`(preface: String) async throws {
        let backend = TestBackend { connection, _ in
            connection.send(preface.latin1)
            guard !preface.isEmpty else { return }
            while !connection.isEnded { _ = connection.receive() }
        }
        let port = TestPort.free()
        let mesh = try await TestedMesh(
            [TestedMesh.proxy, TestedMesh.shop("shop", protocol: "HTTP2", orders: backend.port, outbound: port)]
                .joined(separator: "\n---\n"))
        let view = try RawConnection.call(port: port, ScriptedWorkload.get)
        #expect([502, 503].contains(view.status), "\(view)")
        await mesh.stop()
    }

    // MARK: Requests that were not processed

    @Test(arguments: [ScriptedWorkload.get, ScriptedWorkload.post(10)])
    func `§ 8.7 a call above GOAWAY's last stream is sent again on another connection`(request: String) async throws {
        let problem = try await ScriptedWorkload.serve { probe, index in
            probe.readEnd(of: 1)
            guard index == 0 else {
                Self.answerAll(probe)
                return nil
            }
            probe.send(.goAway(last: 0))
            return probe.conduct.complaints.first
        } call: { port, backend in
            let view = try RawConnection.call(port: port, request)
            #expect(view.status == 200 && view.body == "hello", "\(view)")
            #expect(backend.connectionCount == 2)
        }
        #expect(problem == nil)
    }

    @Test(arguments: [ScriptedWorkload.get, ScriptedWorkload.post(10)])
    func `§ 8.7 a call that is refused is sent again`(request: String) async throws {
        let problem = try await ScriptedWorkload.serve(isEndless: true) { probe, index in
            probe.read { !$0.stream(1).heads.isEmpty }
            if index == 0 { probe.send(.resetStream(1, .refusedStream)) }
            Self.answerAll(probe, besides: index == 0 ? [1] : [])
            return probe.conduct.complaints.first
        } call: { port, _ in
            let view = try RawConnection.call(port: port, request)
            #expect(view.status == 200 && view.body == "hello", "\(view)")
        }
        #expect(problem == nil)
    }

    @Test func `§ 6.8 a call that may have been processed is not sent again if it is not idempotent`() async throws {
        let requests = Mutex(0)
        let problem = try await ScriptedWorkload.serve { probe, _ in
            probe.readEnd(of: 1)
            requests.withLock { $0 += 1 }
            probe.send(.goAway(last: 1, .internalError))
            probe.connection.reset()
            return nil
        } call: { port, _ in
            let view = try RawConnection.call(port: port, ScriptedWorkload.post(10))
            #expect(view.status == 502 || view.status == 503, "\(view)")
            #expect(requests.withLock { $0 } == 1)
        }
        #expect(problem == nil)
    }

    @Test func `§ 6.8 calls up to GOAWAY's last stream are answered, and no new ones come`() async throws {
        let problem = try await ScriptedWorkload.serve { probe, index in
            probe.readEnd(of: 1)
            guard index == 0 else {
                Self.answerAll(probe)
                return nil
            }
            // In two steps, as servers do that mean well.
            probe.send(.goAway(last: 0x7fff_ffff), .headers(1, .ok, endStream: false))
            probe.makeRoundTrip()
            probe.send(.goAway(last: 1), .data(1, Array("hello".utf8), endStream: true))
            probe.readToEnd()
            return probe.streams.count == 1 ? Outcome.end.problem(probe) : "a new stream after GOAWAY"
        } call: { port, backend in
            let connection = try RawConnection(port: port)
            for _ in 0..<2 {
                connection.send(ScriptedWorkload.get)
                let view = CallerView(connection)
                #expect(view.status == 200 && view.body == "hello", "\(view)")
            }
            #expect(backend.connectionCount == 2)
        }
        #expect(problem == nil)
    }

    // MARK: Settings and windows

    /// Answers the first request, which may come ahead of the server's settings.
    private static func answerFirst(_ probe: HTTP2Probe) -> Bool {
        guard probe.readEnd(of: 1) else { return false }
        answer(probe)
        return probe.makeRoundTrip()
    }

    /// Two calls on one connection.
    private static func callTwice(_ port: UInt16, _ request: String) throws -> CallerView {
        let first = try RawConnection.call(port: port, ScriptedWorkload.get)
        #expect(first.body == "hello")
        return try RawConnection.call(port: port, request)
    }

    @Test(arguments: [0, 1, 1000, 65_535, 1 << 20])
    func `§ 6.9 content waits for windows of any size, and comes whole`(window: UInt32) async throws {
        let problem = try await ScriptedWorkload.serve(settings: [.initialWindowSize(window)]) { probe, _ in
            guard Self.answerFirst(probe), probe.read(until: { !$0.stream(3).heads.isEmpty }) else {
                return "no request; \(probe.story)"
            }
            probe.makeRoundTrip()
            var granted = min(Int(window), 65_535)
            while !probe.stream(3).hasEnded {
                guard probe.read(until: { $0.stream(3).body.count >= granted || $0.stream(3).hasEnded }) else {
                    return "no content; \(probe.story)"
                }
                granted += 7919
                probe.send(.windowUpdate(3, 7919), .windowUpdate(0, 7919))
            }
            Self.answer(probe, 3, "\(probe.stream(3).body.count)")
            return Outcome.nothing.problem(probe)
        } call: { port, _ in
            let view = try Self.callTwice(port, ScriptedWorkload.post(100_000))
            #expect(view.body == "100000", "\(view)")
        }
        #expect(problem == nil)
    }

    @Test func `§ 6.9.2 SETTINGS in the middle of content take from its window, and give to it`() async throws {
        let problem = try await ScriptedWorkload.serve(settings: [.initialWindowSize(20_000)]) { probe, _ in
            guard Self.answerFirst(probe), probe.read(until: { $0.stream(3).body.count == 20_000 }) else {
                return "no content; \(probe.story)"
            }
            let count = probe.settingsAcknowledgements
            probe.send(.settings(.initialWindowSize(0)))
            probe.read { $0.settingsAcknowledgements > count }
            // From -20,000 to 0, then by one.
            probe.send(.windowUpdate(3, 20_000))
            probe.makeRoundTrip()
            guard probe.stream(3).body.count == 20_000 else { return "content into a closed window" }
            probe.send(.windowUpdate(3, 1))
            guard probe.read(until: { $0.stream(3).body.count == 20_001 }) else { return "no content; \(probe.story)" }
            probe.send(.settings(.initialWindowSize(1 << 20), .maxFrameSize(16_384)), .windowUpdate(0, 1 << 20))
            probe.readEnd(of: 3)
            Self.answer(probe, 3, "\(probe.stream(3).body.count)")
            return Outcome.nothing.problem(probe)
        } call: { port, _ in
            let view = try Self.callTwice(port, ScriptedWorkload.post(200_000))
            #expect(view.body == "200000", "\(view)")
        }
        #expect(problem == nil)
    }

    @Test func `§ 5.2 what a caller has taken is given back to the workload`() async throws {
        let problem = try await ScriptedWorkload.serve { probe, _ in
            probe.readEnd(of: 1)
            probe.send(.headers(1, .ok, endStream: false))
            var left = 2 << 20
            while left > 0 {
                guard probe.read(until: { $0.credit.left(1) > 0 }) else { return "no window; \(probe.story)" }
                let count = min(left, 16_384, probe.credit.left(1))
                left -= count
                probe.send(.data(1, count: count, endStream: left == 0))
            }
            return Outcome.nothing.problem(probe)
        } call: { port, _ in
            let view = try RawConnection.call(port: port, ScriptedWorkload.get)
            #expect(view.isWhole && view.body.utf8.count == 2 << 20, "\(view.head)")
        }
        #expect(problem == nil)
    }

    @Test func `§ 6.9.1 a workload that sends beyond its window is told so`() async throws {
        let isTold = Gate()
        let problem = try await ScriptedWorkload.serve { probe, _ in
            defer { isTold.open() }
            probe.readEnd(of: 1)
            probe.send(.headers(1, .ok, endStream: false))
            // The caller takes nothing: what lies between is full at some time, and from then on the window stays shut.
            for _ in 0..<256 where probe.goAways.isEmpty && probe.stream(1).reset == nil {
                for _ in 0..<16 { probe.send(.data(1, count: 16_384)) }
                probe.makeRoundTrip()
            }
            guard probe.credit.stream(1) < 0 else { return "within its window; \(probe.story)" }
            return Outcome.error(.flowControlError).problem(probe)
        } call: { port, _ in
            let connection = try RawConnection(port: port)
            connection.send(ScriptedWorkload.get)
            #expect(connection.receive(through: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
            // Held open until the workload has seen what it must.
            await isTold.passed()
        }
        #expect(problem == nil)
    }

    @Test func `§ 5.2.2 answers that nobody takes keep no other answer of their connection waiting`() async throws {
        let isFull = Gate()
        // More than any connection's window, all together.
        let held = Array(stride(from: UInt32(1), to: 80, by: 2))
        let problem = try await ScriptedWorkload.serve { probe, _ in
            defer { isFull.open() }
            guard probe.read(until: { probe in held.allSatisfy { probe.stream($0).hasEnded } }) else {
                return "not all requests; \(probe.story)"
            }
            for id in held {
                probe.send(.headers(id, .ok, endStream: false))
                guard probe.fill(id) else { return "stream \(id) has no window; \(probe.story)" }
            }
            isFull.open()
            probe.readEnd(of: 81)
            probe.send(.headers(81, .ok, endStream: false))
            guard probe.sendContent(1 << 20, on: 81) else { return "no window; \(probe.story)" }
            return Outcome.nothing.problem(probe)
        } call: { port, backend in
            let caller = try TestedServer(address: "127.0.0.1", port: port).probe([.initialWindowSize(0)])
            for id in held { caller.send(.headers(id)) }
            await isFull.passed()
            let view = try RawConnection.call(port: port, ScriptedWorkload.get)
            #expect(view.isWhole && view.body.utf8.count == 1 << 20, "\(view.head)")
            #expect(backend.connectionCount == 1 && caller.makeRoundTrip())
        }
        #expect(problem == nil)
    }

    @Test(arguments: [1, 3])
    func `§ 5.1.2 no more streams than the workload allows are open at once`(limit: Int) async throws {
        let problem = try await ScriptedWorkload.serve(
            settings: [.maxConcurrentStreams(UInt32(limit))], isEndless: true
        ) { probe, _ in
            // Those that came ahead of the acknowledgement knew of no limit.
            let early = Set(probe.streams.keys)
            var answered: Set<UInt32> = []
            while true {
                probe.read { probe in probe.hasEnded || probe.streams.keys.contains { !answered.contains($0) } }
                if probe.hasEnded { break }
                let open = probe.streams.keys.filter { !answered.contains($0) }
                for id in open.sorted().dropFirst(limit) {
                    guard early.contains(id) else { return "\(open.count) streams are open" }
                    probe.send(.resetStream(id, .refusedStream))
                    answered.insert(id)
                }
                // Once all that may come is there.
                probe.makeRoundTrip()
                for id in open where probe.stream(id).hasEnded && answered.insert(id).inserted {
                    Self.answer(probe, id)
                }
            }
            return probe.conduct.complaints.first
        } call: { port, _ in
            // The settings may come behind the first request.
            let first = try RawConnection.call(port: port, ScriptedWorkload.get)
            #expect(first.body == "hello")
            let connections = try (0..<8).map { _ in try RawConnection(port: port) }
            for connection in connections { connection.send(ScriptedWorkload.get) }
            for connection in connections {
                let view = CallerView(connection)
                #expect(view.body == "hello", "\(view)")
            }
        }
        #expect(problem == nil)
    }

    @Test(arguments: [0, 64, 1 << 16])
    func `§ 4.3.1 a client's field blocks keep to the workload's table size`(size: UInt32) async throws {
        let problem = try await ScriptedWorkload.serve(isEndless: true) { probe, _ in
            probe.readEnd(of: 1)
            let count = probe.settingsAcknowledgements
            probe.send(.settings(.headerTableSize(size)))
            probe.read { $0.settingsAcknowledgements > count }
            Self.answer(probe)
            Self.answerAll(probe, besides: [1])
            return probe.conduct.complaints.first
        } call: { port, _ in
            let connection = try RawConnection(port: port)
            for _ in 0..<5 {
                connection.send(ScriptedWorkload.get)
                #expect(CallerView(connection).body == "hello")
            }
        }
        #expect(problem == nil)
    }

    // MARK: Answers that come early, callers that leave

    @Test func `§ 8.1 an answer before the end of the request reaches the caller`() async throws {
        let problem = try await ScriptedWorkload.serve(settings: [.initialWindowSize(0)]) { probe, _ in
            probe.read { !$0.stream(1).heads.isEmpty }
            probe.send(
                .headers(1, .status("413").adding("content-length", "5"), endStream: false),
                .data(1, Array("large".utf8), endStream: true), .resetStream(1, .noError))
            return probe.makeRoundTrip() ? probe.conduct.complaints.first : "the connection is over"
        } call: { port, _ in
            let view = try RawConnection.call(port: port, ScriptedWorkload.post(100_000))
            #expect(view.status == 413 && view.body == "large", "\(view)")
        }
        #expect(problem == nil)
    }

    @Test func `§ 5.4.2 a caller that leaves cancels its stream alone`() async throws {
        let problem = try await ScriptedWorkload.serve { probe, _ in
            probe.readEnd(of: 1)
            probe.send(.headers(1, .ok, endStream: false), .data(1))
            return Outcome.streamError(.cancel).problem(probe)
        } call: { port, _ in
            let connection = try RawConnection(port: port)
            connection.send(ScriptedWorkload.get)
            _ = connection.receive(through: "xxxx")
            connection.reset()
        }
        #expect(problem == nil)
    }

    @Test(arguments: [false, true])
    func `a workload that closes in the middle of its content leaves no clean end`(resets: Bool) async throws {
        let problem = try await ScriptedWorkload.serve { probe, index in
            probe.readEnd(of: 1)
            probe.send(.headers(1, .ok, endStream: false), .data(1))
            probe.makeRoundTrip()
            if resets { probe.connection.reset() } else { probe.connection.endOutput() }
            return probe.conduct.complaints.first
        } call: { port, _ in
            let view = try RawConnection.call(port: port, ScriptedWorkload.get)
            #expect(view.status == 200 && !view.isWhole, "\(view)")
            let probe = try TestedServer(address: "127.0.0.1", port: port).probe()
            probe.send(.headers(1))
            probe.readEnd(of: 1)
            #expect(probe.stream(1).reset != nil && !probe.stream(1).hasEnded, "\(probe.story)")
        }
        #expect(problem == nil)
    }

    @Test func `§ 8.1 trailers of a request reach the workload`() async throws {
        let problem = try await ScriptedWorkload.serve { probe, _ in
            probe.readEnd(of: 1)
            Self.answer(probe)
            guard probe.stream(1).heads.last?["x-checksum"] == "7" else {
                return "no trailers; \(probe.stream(1).heads)"
            }
            return probe.stream(1).text == "abc" ? probe.conduct.complaints.first : "not the content"
        } call: { port, _ in
            let view = try RawConnection.call(
                port: port,
                "POST /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\nTrailer: x-checksum\r\n\r\n"
                    + "3\r\nabc\r\n0\r\nX-Checksum: 7\r\n\r\n")
            #expect(view.body == "hello", "\(view)")
        }
        #expect(problem == nil)
    }
}
