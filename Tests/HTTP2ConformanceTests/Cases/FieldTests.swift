import HPACKCoding
import Testing

extension HTTP2Conformance {
    /// Fields and pseudo-header fields of requests (RFC 9113 §§ 8.2 and 8.3).
    @Suite struct FieldRules {
        @Test(arguments: TestedServer.Origin.tested, FieldRules.cases)
        func `fields of requests`(origin: TestedServer.Origin, requirement: RequirementCase) throws {
            try requirement.run(at: TestedServer.of(origin))
        }

        static let cases: [RequirementCase] = names + values + connectionSpecific + pseudo + control

        /// A request with one field more.
        private static func field(
            _ section: String, _ what: String, _ name: String, _ value: String, _ outcome: Outcome = .malformed
        ) -> RequirementCase {
            head(section, what, .get.adding(name, value), outcome)
        }

        private static let names: [RequirementCase] =
            (Array(0x00...0x20) + Array(0x7f...0xff)).map { byte -> RequirementCase in
                field(
                    "8.2.1", "A name with \(byte) is malformed", "x" + String(latin1: [UInt8(byte)]) + "y", "1")
            }
            + "ABCDEFGHIJKLMNOPQRSTUVWXYZ".map {
                field("8.2.1", "A name with \($0) is malformed", "x-\($0)", "1")
            }
            + "\"(),/;<=>?@[\\]{}".map {
                field("8.2.1", "A name with \($0), which is no token, is malformed", "x\($0)y", "1")
            }
            + [
                field("8.2.1", "A name with a colon is malformed", "x:y", "1"),
                field("8.2.1", "A name that ends with a colon is malformed", "x:", "1"),
                field("8.2.1", "A name of capitals is malformed", "CONTENT-TYPE", "text/plain"),
                field("8.2.1", "An empty name is malformed", "", "1"),
                field("8.2.1", "All characters of a token make a name", "!#$%&'*+-.^_`|~09az", "1", .answer),
            ]

        private static let values: [RequirementCase] =
            [(0, "NUL"), (10, "LF"), (13, "CR")].flatMap { byte, name -> [RequirementCase] in
                let bad = String(latin1: [UInt8(byte)])
                return [
                    field("8.2.1", "A value with \(name) is malformed", "x-a", "b\(bad)c"),
                    field("8.2.1", "A value that begins with \(name) is malformed", "x-a", "\(bad)c"),
                    field("8.2.1", "A value that ends with \(name) is malformed", "x-a", "b\(bad)"),
                    field("8.2.1", "A value with \(name) and a field behind it is malformed", "x-a", "b\(bad)x-c: d"),
                    .init(
                        "8.2.1", "A path with \(name) is malformed",
                        send: [.headers(1, .get.setting(":path", "/\(bad)a"))], .malformed),
                    .init(
                        "8.2.1", "An authority with \(name) is malformed",
                        send: [.headers(1, .get.setting(":authority", "\(Fields.authority)\(bad)"))], .malformed),
                    .init(
                        "8.2.1", "A method with \(name) is malformed",
                        send: [.headers(1, .get.setting(":method", "GET\(bad)"))], .malformed),
                    .init(
                        "8.2.1", "A trailer with \(name) is malformed",
                        send: [
                            .headers(1, .post, endStream: false), .data(1), .headers(1, Fields([("x-a", "b\(bad)c")])),
                        ], .malformed),
                ]
            }
            + [" ", "\t"].flatMap { space -> [RequirementCase] in
                [
                    field("8.2.1", "A value that begins with white space is malformed", "x-a", "\(space)b"),
                    field("8.2.1", "A value that ends with white space is malformed", "x-a", "b\(space)"),
                    field("8.2.1", "A value of white space alone is malformed", "x-a", space),
                    field("8.2.1", "White space within a value is nothing special", "x-a", "b\(space)c", .answer),
                ]
            }
            + [
                field("8.2.1", "A value may be empty", "x-a", "", .answer),
                field("8.2.1", "A value may have octets above 127", "x-a", "\u{e4}\u{ff}", .answer),
                .init(
                    "8.2.1", "A trailer with a capital in its name is malformed",
                    send: [.headers(1, .post, endStream: false), .data(1), .headers(1, Fields([("X-A", "b")]))],
                    .malformed),
            ]

        private static let connectionSpecific: [RequirementCase] =
            [
                ("connection", "close"), ("connection", "keep-alive"), ("connection", "x-a"),
                ("proxy-connection", "close"),
                ("keep-alive", "timeout=5"), ("transfer-encoding", "chunked"), ("transfer-encoding", "identity"),
                ("upgrade", "h2c"), ("upgrade", "websocket"), ("te", "gzip"), ("te", "trailers, gzip"),
                ("te", "chunked"),
            ].map { field("8.2.2", "\($0.0): \($0.1) is malformed", $0.0, $0.1) }
            + [
                field("8.2.2", "te: trailers is taken", "te", "trailers", .answer),
                .init(
                    "8.2.2", "transfer-encoding with content is malformed",
                    send: [
                        .headers(1, .post.adding("transfer-encoding", "chunked"), endStream: false),
                        .data(1, Array("0\r\n\r\n".utf8), endStream: true),
                    ], .malformed),
                .init(
                    "8.2.2", "transfer-encoding in trailers is malformed",
                    send: [
                        .headers(1, .post, endStream: false), .data(1),
                        .headers(1, Fields([("transfer-encoding", "chunked")])),
                    ], .malformed),
            ]

        /// A request whose head is all that matters.
        private static func head(
            _ section: String, _ what: String, _ fields: Fields, _ outcome: Outcome = .malformed
        ) -> RequirementCase {
            let isOfWorkload = if case .malformed = outcome { false } else { true }
            let hasOnePath = fields.lines.count { $0.name == ":path" } == 1 && fields[":path"] == "/"
            return .init(
                section, what,
                send: [
                    .headers(1, isOfWorkload || !hasOnePath ? fields : fields.setting(":path", OriginServer.forbidden))
                ],
                outcome)
        }

        private static let pseudo: [RequirementCase] =
            [
                head("8.3", "An unknown pseudo-header is malformed", .get.beginning(":test", "1")),
                head("8.3", "An empty pseudo-header's name is malformed", .get.beginning(":", "1")),
                head("8.3", "A capital pseudo-header is malformed", .get.beginning(":Path", "/")),
                head("8.3", "A response's pseudo-header is malformed", .get.beginning(":status", "200")),
                head("8.3", "An empty head is malformed", Fields([])),
                head("8.3", "A head of fields alone is malformed", Fields([("x-a", "1")])),
            ]
            + [":method", ":scheme", ":path", ":authority"].flatMap { name -> [RequirementCase] in
                let value = Fields.get[name]!
                return [
                    head(
                        "8.3", "\(name) behind a field is malformed",
                        .get.without(name).adding("x-a", "1").adding(name, value)),
                    head("8.3", "\(name) twice is malformed", .get.beginning(name, value)),
                    head("8.3", "Two different \(name) are malformed", .get.beginning(name, value + "x")),
                ]
            }

        private static let control: [RequirementCase] = [
            head("8.3.1", "A head without :method is malformed", .get.without(":method")),
            head("8.3.1", "A head without :scheme is malformed", .get.without(":scheme")),
            head("8.3.1", "A head without :path is malformed", .get.without(":path")),
            head("8.3.1", "An empty :path is malformed", .get.setting(":path", "")),
            head("8.3.1", "An empty :method is malformed", .get.setting(":method", "")),
            head("8.3.1", "An empty :scheme is malformed", .get.setting(":scheme", "")),
            head("8.3.1", "A :method that is no token is malformed", .get.setting(":method", "GE T")),
            head("8.3.1", "A :method with a slash is malformed", .get.setting(":method", "GET/")),
            head("8.3.1", "A :path without a slash is malformed", .get.setting(":path", "orders")),
            head("8.3.1", "A :path that is a URI is malformed", .get.setting(":path", "http://orders/")),
            head("8.3.1", "A :path with a blank is malformed", .get.setting(":path", "/a b")),
            head("8.3.1", "A :path with HTTP/1.1 in it is malformed", .get.setting(":path", "/ HTTP/1.1")),
            head("8.3.1", "A :path with a control character is malformed", .get.setting(":path", "/\u{7f}")),
            head("8.3.1", "A :path of * is malformed for GET", .get.setting(":path", "*")),
            head("8.3.1", "A :path of * is taken for OPTIONS", .request("OPTIONS", "*"), .taken),
            head("8.3.1", "A :scheme that is none is malformed", .get.setting(":scheme", "ht tp")),
            head("8.3.1", "A :scheme with the rest of a URI is malformed", .get.setting(":scheme", "http://evil/")),
            head("8.3.1", "userinfo in :authority is malformed", .get.setting(":authority", "user@\(Fields.authority)"))
                .ofHeddle,
            head("8.3.1", "A blank in :authority is malformed", .get.setting(":authority", "orders evil")),
            head("8.3.1", "A path in :authority is malformed", .get.setting(":authority", "orders/evil")),
            head("8.3.1", "A host that differs from :authority is malformed", .get.adding("host", "evil")).ofHeddle,
            head(
                "8.3.1", "Two hosts of which one differs are malformed",
                .get.adding("host", Fields.authority).adding("host", "evil")
            ).ofHeddle,
            head("8.3.1", "A host that is the same is taken", .get.adding("host", Fields.authority), .answer),
            head(
                "8.3.1", "A host in place of :authority is taken",
                .get.without(":authority").adding("host", Fields.authority), .answer),
        ]
    }
}
