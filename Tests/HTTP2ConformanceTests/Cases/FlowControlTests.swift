import Testing

extension HTTP2Conformance {
    /// WINDOW_UPDATE and what it governs (RFC 9113 §§ 5.2 and 6.9).
    @Suite struct FlowControl {
        @Test(arguments: TestedServer.Origin.tested, FlowControl.cases)
        func `window updates`(origin: TestedServer.Origin, requirement: RequirementCase) throws {
            try requirement.run(at: TestedServer.of(origin))
        }

        private static let open = Frame.headers(1, .post, endStream: false)
        private static let most: UInt32 = 0x7fff_ffff

        static let cases: [RequirementCase] = [
            .init(
                "6.9", "An increment of 0 on stream 0 is a connection error", send: [.windowUpdate(0, 0)],
                .connectionError(.protocolError)),
            .init(
                "6.9", "An increment of 0 on a stream is an error", send: [open, .windowUpdate(1, 0)],
                .error(.protocolError)),
            .init(
                "6.9", "A reserved bit and an increment of 0 are an error", send: [.windowUpdate(0, 1 << 31)],
                .connectionError(.protocolError)),
            .init(
                "6.9", "The increment's reserved bit is ignored", settings: [.initialWindowSize(0)],
                send: [.headers(1), .windowUpdate(1, 1 << 31 | 1 << 20)], .answer),
            .init(
                "6.9", "A WINDOW_UPDATE of 3 octets is a connection error",
                send: [Frame(kind: .windowUpdate, payload: [0, 0, 1])], .connectionError(.frameSizeError)),
            .init(
                "6.9", "A WINDOW_UPDATE of 5 octets on a stream is a connection error",
                send: [open, Frame(kind: .windowUpdate, stream: 1, payload: [0, 0, 0, 1, 0])],
                .connectionError(.frameSizeError)),
            .init(
                "6.9.1", "A connection's window above 2^31-1 is a connection error", send: [.windowUpdate(0, most)],
                .connectionError(.flowControlError)),
            .init(
                "6.9.1", "A connection's window that grows above 2^31-1 is a connection error",
                send: [.windowUpdate(0, most / 2), .windowUpdate(0, most / 2), .windowUpdate(0, 2)],
                .connectionError(.flowControlError)),
            .init(
                "6.9.1", "A connection's window may be 2^31-1", send: [.windowUpdate(0, most - 65_535), .headers(1)],
                .answer),
            .init(
                "6.9.1", "A stream's window above 2^31-1 is an error", send: [open, .windowUpdate(1, most)],
                .streamError(.flowControlError)),
            .init(
                "6.9.1", "A stream's window that grows above 2^31-1 is an error",
                send: [open, .windowUpdate(1, most / 2), .windowUpdate(1, most / 2), .windowUpdate(1, 2)],
                .streamError(.flowControlError)),
            .init(
                "6.9.1", "A stream's window may be 2^31-1", settings: [.initialWindowSize(0)],
                send: [.headers(1), .windowUpdate(1, most)], .answer),
            .init(
                "6.9.1", "An empty answer needs no window", settings: [.initialWindowSize(0)],
                send: [.headers(1, .request("HEAD"))], .answer),
            .init(
                "6.9.2", "SETTINGS that take a stream's window above 2^31-1 are a connection error",
                send: [open, .windowUpdate(1, most - 65_535), .settings(.initialWindowSize(65_536))],
                .connectionError(.flowControlError)),
            .init(
                "6.9.2", "SETTINGS change the windows of open streams", settings: [.initialWindowSize(0)],
                send: [.headers(1), .settings(.initialWindowSize(1 << 20))], .answer),
        ]

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 6.9.1 a stream sends what its window allows, octet by octet`(origin: TestedServer.Origin) throws {
            let probe = try TestedServer.of(origin).probe([.initialWindowSize(1)])
            probe.send(.headers(1))
            for count in 1...20 {
                probe.read { $0.stream(1).body.count >= count || !$0.goAways.isEmpty }
                probe.makeRoundTrip()
                #expect(probe.stream(1).body.count == count, "\(probe.story)")
                probe.send(.windowUpdate(1, 1))
            }
            probe.send(.windowUpdate(1, 1 << 20))
            probe.readEnd(of: 1)
            #expect(probe.stream(1).hasEnded)
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 6.9.1 all streams together send what the connection's window allows`(
            origin: TestedServer.Origin
        ) throws {
            let probe = try TestedServer.of(origin).probe([.initialWindowSize(1 << 22)])
            probe.send(.headers(1, .request("GET", "/large")), .headers(3, .request("GET", "/large")))
            let sent = { (probe: HTTP2Probe) in probe.stream(1).body.count + probe.stream(3).body.count }
            probe.read { sent($0) >= 65_535 }
            probe.makeRoundTrip()
            #expect(sent(probe) == 65_535, "\(probe.story)")
            probe.send(.windowUpdate(0, 1000))
            probe.read { sent($0) >= 66_535 }
            probe.makeRoundTrip()
            #expect(sent(probe) == 66_535, "\(probe.story)")
            // SETTINGS do not touch the connection's window (§ 6.9.2).
            probe.send(.settings(.initialWindowSize(1 << 23)))
            probe.makeRoundTrip()
            #expect(sent(probe) == 66_535, "\(probe.story)")
            probe.send(.windowUpdate(0, 1 << 22))
            probe.readEnd(of: 1)
            probe.readEnd(of: 3)
            #expect(sent(probe) == 2 << 20, "\(probe.story)")
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 6.9 what ends a stream needs no window, whatever the streams beside it wait for`(
            origin: TestedServer.Origin
        ) throws {
            guard TestedServer.other == nil else { return }
            let probe = try TestedServer.of(origin).probe([.initialWindowSize(1 << 22)])
            probe.send(.headers(1, .request("GET", "/large")))
            probe.read { $0.stream(1).body.count >= 65_535 }
            probe.send(.headers(3, .request("GET", "/trailers")))
            probe.readEnd(of: 3)
            #expect(probe.stream(3).status == 200 && probe.stream(3).hasEnded, "\(probe.story)")
            #expect(probe.stream(1).body.count == 65_535, "\(probe.story)")
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 6.9.2 a window that SETTINGS made negative stays closed until it is positive again`(
            origin: TestedServer.Origin
        ) throws {
            let probe = try TestedServer.of(origin).probe([.initialWindowSize(30)])
            probe.send(.headers(1, .request("GET", "/large")))
            probe.read { $0.stream(1).body.count == 30 }
            let count = probe.settingsAcknowledgements
            probe.send(.settings(.initialWindowSize(10)))
            probe.read { $0.settingsAcknowledgements > count }
            // From -20 to 0.
            probe.send(.windowUpdate(1, 20))
            probe.makeRoundTrip()
            #expect(probe.stream(1).body.count == 30, "\(probe.story)")
            probe.send(.windowUpdate(1, 3))
            probe.read { $0.stream(1).body.count >= 33 }
            probe.makeRoundTrip()
            #expect(probe.stream(1).body.count == 33, "\(probe.story)")
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 5.2 content of any size comes through, and what was taken is given back`(
            origin: TestedServer.Origin
        ) throws {
            let probe = try TestedServer.of(origin).probe([.initialWindowSize(1 << 24)])
            probe.send(.windowUpdate(0, 1 << 24), Self.open)
            var left = 1 << 20
            while left > 0 {
                probe.read { $0.credit.left(1) > 0 || $0.stream(1).isOver || !$0.goAways.isEmpty }
                let count = min(left, 16_384, probe.credit.left(1))
                guard count > 0 else { break }
                probe.send(.data(1, count: count, endStream: count == left))
                left -= count
            }
            probe.readEnd(of: 1)
            #expect(left == 0 && probe.stream(1).status == 200 && probe.stream(1).hasEnded, "\(probe.story)")
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 6.9 DATA that nobody takes count for the connection's window, and come back`(
            origin: TestedServer.Origin
        ) throws {
            let probe = try TestedServer.of(origin).probe()
            // Streams that are reset with content in flight: were it not accounted for, the window would be used up.
            let rounds = min(150, probe.credit.connection / 16_384 + 8)
            var id: UInt32 = 1
            for _ in 0..<rounds {
                probe.read { $0.credit.left(id) >= 16_384 || !$0.goAways.isEmpty }
                guard probe.goAways.isEmpty, probe.credit.left(id) >= 16_384 else { break }
                probe.send(.headers(id, .post, endStream: false), .data(id, count: 16_384), .resetStream(id))
                id += 2
            }
            probe.send(.headers(id))
            probe.readEnd(of: id)
            #expect(Int(id) == 2 * rounds + 1, "\(probe.story)")
            #expect(probe.stream(id).status == 200, "\(probe.story)")
        }

        @Test func `§ 5.2.2 content that nobody takes keeps no other content of its connection waiting`() throws {
            guard TestedServer.other == nil else { return }
            let probe = try TestedServer.of(.http2).probe()
            // More than any connection's window, all together.
            for id in stride(from: UInt32(1), to: 80, by: 2) {
                probe.send(.headers(id, .request("POST", "/silent"), endStream: false))
                try #require(probe.fill(id), "stream \(id) has no window; \(probe.story)")
            }
            probe.send(.windowUpdate(0, 1 << 20), .headers(81, .post, endStream: false), .windowUpdate(81, 1 << 20))
            #expect(probe.sendContent(500_000, on: 81), "\(probe.story)")
            probe.readEnd(of: 81)
            #expect(probe.stream(81).status == 200 && probe.stream(81).hasEnded, "\(probe.story)")
            #expect(probe.stream(81).body.count > 500_000)
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
        }

        @Test func `§ 6.9.1 DATA beyond the window that was given are an error`() throws {
            guard TestedServer.other == nil else { return }
            // A workload that takes nothing, so that the window does not open again.
            let probe = try TestedServer.of(.http2).probe()
            probe.send(.headers(1, .request("POST", "/silent"), endStream: false))
            #expect(probe.fill(1) && probe.goAways.isEmpty && !probe.stream(1).isOver, "\(probe.story)")
            for _ in 0..<8 { probe.send(.data(1, count: 16_384)) }
            probe.read { $0.stream(1).reset != nil || !$0.goAways.isEmpty }
            #expect((probe.stream(1).reset ?? probe.connectionError) == .flowControlError, "\(probe.story)")
        }
    }
}
