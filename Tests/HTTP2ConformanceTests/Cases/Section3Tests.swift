import HPACKCoding
import TestSupport
import Testing

extension HTTP2Conformance {
    /// Starting HTTP/2 (RFC 9113 § 3).
    @Suite struct Section3 {
        @Test(arguments: TestedServer.Origin.tested)
        func `§ 3.4 the server's first frame is SETTINGS, and the client's is acknowledged after it`(
            origin: TestedServer.Origin
        ) throws {
            let probe = try TestedServer.of(origin).probe()
            #expect(probe.log.first?.isPreface == true, "\(probe.story)")
            #expect(probe.conduct.complaints.isEmpty, "\(probe.story)")
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 3.4 a request may follow the preface at once`(origin: TestedServer.Origin) throws {
            let probe = HTTP2Probe(try TestedServer.of(origin).connect(), role: .client)
            let rest = Frame.settings().bytes + Frame.headers(1).bytes
            probe.conduct.noteSent(.headers(1))
            probe.send(bytes: HTTP2Probe.preface + rest)
            probe.readEnd(of: 1)
            #expect(probe.stream(1).status == 200, "\(probe.story)")
        }

        @Test(arguments: TestedServer.Origin.tested)
        func `§ 3.4 a preface may come in pieces of any size`(origin: TestedServer.Origin) throws {
            let probe = HTTP2Probe(try TestedServer.of(origin).connect(), role: .client)
            probe.conduct.noteSent(.headers(1))
            for byte in HTTP2Probe.preface + Frame.settings().bytes + Frame.headers(1).bytes {
                probe.send(bytes: [byte])
            }
            probe.readEnd(of: 1)
            #expect(probe.stream(1).status == 200, "\(probe.story)")
        }

        @Test(arguments: TestedServer.Origin.tested, [Frame.ping(), .headers(1), .windowUpdate(0, 1), .goAway()])
        func `§ 3.4 a preface without SETTINGS is a connection error`(
            origin: TestedServer.Origin, first: Frame
        ) throws {
            let probe = HTTP2Probe(try TestedServer.of(origin).connect(), role: .client)
            probe.send(bytes: HTTP2Probe.preface)
            probe.send(first)
            Outcome.connectionError(.protocolError).expect(
                of: probe, "SETTINGS first, not \(first.summary)", sourceLocation: #_sourceLocation)
        }

        @Test(
            arguments: TestedServer.Origin.tested,
            [
                "INVALID CONNECTION PREFACE\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r",
                "PRI * HTTP/2.0\r\nHost: orders\r\n\r\n", "PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n",
                "pri * http/2.0\r\n\r\nsm\r\n\r\n", "\0\0\0\u{4}\0\0\0\0\0",
            ])
        func `§ 3.4 what is no preface ends the connection`(origin: TestedServer.Origin, preface: String) throws {
            let connection = try TestedServer.of(origin).connect()
            connection.send(preface.latin1 + Frame.settings().bytes + Frame.headers(1).bytes)
            let answer = connection.receiveAll()
            #expect(connection.isEnded)
            #expect(!answer.hasPrefix("HTTP/1.1 2"))
        }

        @Test(
            arguments: TestedServer.Origin.tested,
            [
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
                "Connection: Upgrade\r\nUpgrade: h2c\r\n", "Connection: Upgrade\r\nUpgrade: HTTP/2.0\r\n",
            ])
        func `§ 3.1 no upgrade leads from HTTP/1.1 to HTTP/2`(origin: TestedServer.Origin, fields: String) throws {
            guard origin != .itself else { return }
            let connection = try TestedServer.of(origin).connect()
            connection.send("GET / HTTP/1.1\r\nHost: \(Fields.authority)\r\n\(fields)\r\n")
            let response = connection.response()
            #expect(response.status == 200)
            #expect(!response.body.lowercased().contains("h2c"))
            #expect(!response.body.lowercased().contains("http2-settings"))
        }
    }
}
