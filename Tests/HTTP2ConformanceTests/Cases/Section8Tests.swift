import Testing

extension HTTP2Conformance {
    /// HTTP semantics in frames (RFC 9113 §§ 8.1 and 8.5).
    @Suite struct Section8 {
        @Test(arguments: TestedServer.Origin.tested, Section8.cases)
        func `messages in frames`(origin: TestedServer.Origin, requirement: RequirementCase) throws {
            try requirement.run(at: TestedServer.of(origin))
        }

        static let cases: [RequirementCase] = framing + contentLength + connect

        private static let open = Frame.headers(1, .post, endStream: false)

        private static func trailers(_ fields: (String, String)...) -> Frame { .headers(1, Fields(fields)) }

        private static let framing: [RequirementCase] = [
            .init("8.1", "GET", send: [.headers(1)], .answer),
            .init("8.1", "HEAD", send: [.headers(1, .request("HEAD"))], .answer),
            .init("8.1", "POST with content", send: [open, .data(1, endStream: true)], .answer),
            .init("8.1", "POST without content", send: [.headers(1, .post)], .answer),
            .init("8.1", "POST with trailers", send: [open, .data(1), trailers(("x-a", "1"))], .answer),
            .init("8.1", "Trailers may follow the head", send: [open, trailers(("x-a", "1"))], .answer),
            .init("8.1", "Trailers may be empty", send: [open, .data(1), trailers()], .answer),
            .init(
                "8.1", "Unknown methods are methods",
                send: [.headers(1, .request("BREW"))], .answer),
            .init(
                "8.1", "HEADERS without END_STREAM after the head are malformed",
                send: [open, .headers(1, Fields([("x-a", "1")]), endStream: false)], .malformed),
            .init(
                "8.1", "HEADERS without END_STREAM after DATA are malformed",
                send: [open, .data(1), .headers(1, Fields([("x-a", "1")]), endStream: false)], .malformed),
            .init(
                "8.1", "A second head is malformed", send: [open, .headers(1, .post, endStream: true)], .malformed),
            .init(
                "8.1", "Pseudo-headers in trailers are malformed",
                send: [open, .data(1), trailers((":path", "/"))], .malformed),
            .init(
                "8.1", "Pseudo-headers behind others in trailers are malformed",
                send: [open, .data(1), trailers(("x-a", "1"), (":method", "GET"))], .malformed),
            .init(
                "8.1", "DATA after trailers are an error", settings: [.initialWindowSize(0)],
                send: [open, trailers(("x-a", "1")), .data(1)], .error(.streamClosed)),
            .init(
                "8.1", "Streams are answered side by side",
                send: [.headers(1, .post, endStream: false), .headers(3), .headers(5)], .answer(5, 200)),
        ]

        private static func length(_ value: String, _ frames: [Frame], _ outcome: Outcome) -> RequirementCase {
            .init(
                "8.1.1", "content-length: \(value) for \(frames.map(\.payload.count)) octets",
                send: [.headers(1, .post.adding("content-length", value), endStream: frames.isEmpty)] + frames, outcome)
        }

        private static let contentLength: [RequirementCase] =
            [
                length("4", [.data(1, endStream: true)], .answer),
                length("8", [.data(1), .data(1, endStream: true)], .answer),
                length("4", [.data(1), trailers(("x-a", "1"))], .answer),
                length("0", [], .answer),
                length("0", [.data(1, count: 0, endStream: true)], .answer),
                length("1", [], .malformed),
                length("1", [.data(1, count: 0, endStream: true)], .malformed),
                length("3", [.data(1, endStream: true)], .malformed),
                length("5", [.data(1, endStream: true)], .malformed),
                length("7", [.data(1), .data(1, endStream: true)], .malformed),
                length("9", [.data(1), .data(1, endStream: true)], .malformed),
                length("0", [.data(1, endStream: true)], .malformed),
                length("9", [.data(1), trailers(("x-a", "1"))], .malformed),
                length("3", [.data(1), trailers(("x-a", "1"))], .malformed),
                length("-4", [.data(1, endStream: true)], .malformed),
                length("+4", [.data(1, endStream: true)], .malformed),
                length("0x4", [.data(1, endStream: true)], .malformed),
                length("4 4", [.data(1, endStream: true)], .malformed),
                length("4,5", [.data(1, endStream: true)], .malformed),
                length("", [.data(1, endStream: true)], .malformed),
                length("18446744073709551620", [.data(1, endStream: true)], .malformed),
                .init(
                    "8.1.1", "Two content-lengths that differ are malformed",
                    send: [
                        .headers(
                            1, .post.adding("content-length", "4").adding("content-length", "5"), endStream: false),
                        .data(1, endStream: true),
                    ], .malformed),
                .init(
                    "8.1.1", "Padding is no content",
                    send: [
                        .headers(1, .post.adding("content-length", "2"), endStream: false),
                        .data(1, [1, 2], endStream: true, padding: 7, paddingSent: 7),
                    ], .answer),
                .init(
                    "8.1.1", "GET with a content-length and END_STREAM is malformed",
                    send: [.headers(1, .get.adding("content-length", "1"))], .malformed),
            ]

        private static let tunnel = Fields([(":method", "CONNECT"), (":authority", "orders:443")])

        private static let connect: [RequirementCase] = [
            .init(
                "8.5", "CONNECT with :scheme and :path is malformed",
                send: [
                    .headers(
                        1,
                        Fields([
                            (":method", "CONNECT"), (":scheme", "http"), (":path", "/"), (":authority", "orders:443"),
                        ]), endStream: false)
                ], .malformed),
            .init(
                "8.5", "CONNECT with :path is malformed",
                send: [.headers(1, tunnel.beginning(":path", "/"), endStream: false)], .malformed),
            .init(
                "8.5", "CONNECT with :scheme is malformed",
                send: [.headers(1, tunnel.beginning(":scheme", "http"), endStream: false)], .malformed),
            .init(
                "8.5", "CONNECT without :authority is malformed",
                send: [.headers(1, Fields([(":method", "CONNECT")]), endStream: false)], .malformed),
            .init(
                "8.5", "CONNECT to a service is refused by a listener that is no tunnel's",
                send: [.headers(1, tunnel, endStream: false)], .malformed
            ).ofHeddle,
            .init(
                "8.5", "CONNECT to somewhere else is refused",
                send: [.headers(1, tunnel.setting(":authority", "127.0.0.1:22"), endStream: false)], .malformed
            ).ofHeddle,
            .init(
                "RFC 8441 4", "Extended CONNECT without :path is malformed",
                send: [.headers(1, tunnel.beginning(":protocol", "websocket"), endStream: false)], .malformed),
            .init(
                "RFC 8441 4", ":protocol with another method is malformed",
                send: [.headers(1, Fields.get.beginning(":protocol", "websocket"), endStream: false)], .malformed),
            .init(
                "RFC 8441 4", "Extended CONNECT with a protocol that nobody knows is refused",
                send: [
                    .headers(
                        1,
                        Fields([
                            (":method", "CONNECT"), (":protocol", "carrier-pigeon"), (":scheme", "http"),
                            (":path", "/"),
                            (":authority", Fields.authority),
                        ]), endStream: false)
                ], .malformed),
        ]

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 8.1 the answer to HEAD has the head alone`(origin: TestedServer.Origin) throws {
            let probe = try TestedServer.of(origin).probe()
            probe.send(.headers(1, .request("HEAD")))
            probe.readEnd(of: 1)
            #expect(probe.stream(1).body.isEmpty && probe.stream(1).hasEnded, "\(probe.story)")
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
        }

        @Test func `§ 8.1 a workload that breaks off in its content ends the stream with a reset`() throws {
            for origin in [TestedServer.Origin.http1, .http2] where TestedServer.other == nil {
                let probe = try TestedServer.of(origin).probe()
                probe.send(.headers(1, .request("GET", "/cut")))
                probe.readEnd(of: 1)
                // An answer of Heddle's own, as long as it has sent nothing; else a reset, and never an end.
                let stream = probe.stream(1)
                #expect(stream.status == 502 || stream.reset != nil && !stream.hasEnded, "\(probe.story)")
                #expect(probe.makeRoundTrip() && probe.goAways.isEmpty, "\(probe.story)")
            }
        }

        @Test func `§ 8.2.2 what is an HTTP/1.1 connection's own does not get into HTTP/2`() throws {
            guard TestedServer.other == nil else { return }
            let probe = try TestedServer.of(.http1).probe()
            probe.send(.headers(1, .request("GET", "/hop")))
            probe.readEnd(of: 1)
            let stream = probe.stream(1)
            #expect(stream.hasEnded && stream.text == "hello", "\(probe.story)")
            #expect(stream.heads.first?["x-mixed-case"] == "a  value" && stream.heads.first?["x-hop"] == nil)
            #expect(stream.heads.last == Fields([("x-sum", "7")]))
            // Which field is whose is what conduct is about.
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
        }

        @Test func `§ 8.1 interim responses come before the final one`() throws {
            guard TestedServer.other == nil else { return }
            let probe = try TestedServer.of(.http1).probe()
            probe.send(.headers(1, .request("GET", "/early")))
            probe.readEnd(of: 1)
            #expect(probe.stream(1).heads.map { $0[":status"] } == ["103", "200"], "\(probe.story)")
            #expect(probe.stream(1).heads.first?["link"] == "</a>")
            #expect(probe.stream(1).hasEnded && probe.conduct.complaints.isEmpty, "\(probe.story)")
        }

        @Test func `§ 8.2.3 cookies are put together for HTTP/1.1`() throws {
            guard TestedServer.other == nil else { return }
            let probe = try TestedServer.of(.http1).probe()
            probe.send(
                .headers(
                    1, .get.adding("cookie", "a=1").adding("x", "y").adding("cookie", "b=2; c=3").adding("cookie", "d"))
            )
            probe.readEnd(of: 1)
            let lines = probe.stream(1).text.split(separator: "\r\n").filter { $0.lowercased().hasPrefix("cookie:") }
            #expect(lines.map { $0.dropFirst(7).drop { $0 == " " } } == ["a=1; b=2; c=3; d"], "\(probe.stream(1).text)")
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 8.3.1 a workload is told :authority, and no other host`(origin: TestedServer.Origin) throws {
            guard origin != .itself else { return }
            let probe = try TestedServer.of(origin).probe()
            probe.send(.headers(1, .get.adding("host", Fields.authority)))
            probe.readEnd(of: 1)
            let lines = probe.stream(1).text.split(separator: "\r\n").map { $0.lowercased() }
            let hosts = lines.filter { $0.hasPrefix("host:") || $0.hasPrefix(":authority:") }
            #expect(!hosts.isEmpty && hosts.allSatisfy { $0.hasSuffix(": \(Fields.authority)") }, "\(lines)")
        }
    }
}
