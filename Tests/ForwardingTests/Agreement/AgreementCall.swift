import Explaining
import FuzzKit
import TestSupport

@testable import Forwarding

/// A call by chance, as it is written on the wire and as it is asked about.
struct AgreementCall: CustomStringConvertible {
    /// A listener, and what is spoken there.
    enum Entrance: CaseIterable {
        case web, webHTTP2, webGRPC, pay, plain, plainHTTP2, plainGRPC, secure, secureHTTP2, ledger, vault, bytes, names
        /// Ports for plain calls, of whoever has no identity.
        case nobody, nobodyHTTP2, nobodyGRPC, nobodyBytes
    }

    let entrance: Entrance
    var method = "GET"
    /// With its query.
    var target = "/"
    var host = "orders"
    var fields: [(name: String, value: String)] = []

    var isConnection: Bool {
        switch entrance {
        case .ledger, .vault, .bytes, .names, .nobodyBytes: true
        default: false
        }
    }

    var isHTTP2: Bool {
        switch entrance {
        case .webHTTP2, .webGRPC, .plainHTTP2, .plainGRPC, .secureHTTP2, .nobodyHTTP2, .nobodyGRPC: true
        default: false
        }
    }

    var isGateway: Bool {
        switch entrance {
        case .plain, .plainHTTP2, .plainGRPC, .secure, .secureHTTP2, .bytes, .names: true
        default: false
        }
    }

    /// What SNI names.
    var serverName: String { host }

    /// The service whose port for plain calls it is.
    var plainService: String? {
        switch entrance {
        case .nobody, .nobodyHTTP2: "orders"
        case .nobodyGRPC: "calc"
        case .nobodyBytes: "ledger"
        default: nil
        }
    }

    /// `nil`: it has no identity.
    var caller: String? {
        switch entrance {
        case _ where plainService != nil: nil
        case .pay: "pay/pay"
        case _ where isGateway: "shop/edge"
        default: "shop/web"
        }
    }

    var description: String { "\(entrance): \(method) \(host) \(target) \(fields.map { "\($0.name): \($0.value)" })" }

    init(_ random: inout SplitMix64) {
        entrance = Entrance.allCases.randomElement(using: &random)!
        func pick(_ all: [String], _ random: inout SplitMix64) -> String { all.randomElement(using: &random)! }
        switch entrance {
        case .ledger, .vault, .bytes, .nobodyBytes: return
        case .names:
            host = pick(["shop.example", "www.shop.example", "other.example", "other.test"], &random)
            return
        case .secure, .secureHTTP2:
            host = pick(["shop.example", "www.shop.example", "other.example"], &random)
        case .plain, .plainHTTP2, .plainGRPC, .nobody, .nobodyHTTP2, .nobodyGRPC:
            host = pick(
                [
                    "shop.example", "Shop.Example:80", "www.shop.example", "other.example", "orders", "x.test",
                    "grpc.example",
                ], &random)
        case .web, .webHTTP2, .webGRPC, .pay:
            host = pick(
                [
                    "orders", "orders.shop", "ORDERS.shop.", "shop.example", "stock.shop.mesh", "stock.shop",
                    "calc.shop", "rates.shop",
                    "lonely.shop", "nobody.shop", "orders.shop:80", "ledger.shop",
                ], &random)
        }
        let isGRPC = [.webGRPC, .plainGRPC, .nobodyGRPC].contains(entrance)
        method = isGRPC ? "POST" : pick(["GET", "GET", "GET", "POST", "DELETE", "X-Y", "OPTIONS"], &random)
        target = Self.target(&random)
        // `explain` takes a POST to a service of gRPC without a content type for one of gRPC.
        if method == "POST", !isGRPC { fields = [("content-type", "text/plain")] }
        if isGRPC {
            target = pick(
                ["/shop.v1.Calc/Add", "/shop.v1.Calc/Sub", "/shop.v1.Calc/Mul", "/a", "/shop.v1.Calc/%41dd"], &random)
            fields = [("content-type", "application/grpc"), ("te", "trailers")]
        }
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let field = [
                ("x-role", "guest"), ("x-role", "admin"), ("x-request-id", "admin"), ("x-request-id", "a b"),
                ("x-heddle-caller", "forged"),
                ("x-forwarded-for", "203.0.113.7"), ("x-forwarded-for", "unknown"),
                ("x-forwarded-host", "shop.example"),
                ("x-forwarded-proto", "https"), ("x-heddle-hops", "3"), ("x-heddle-hops", "10"),
                ("x_heddle_caller", "forged"),
                ("max-forwards", "0"), ("cookie", "a=b"), ("connection", "x-role"), ("grpc-timeout", "1m"),
                ("grpc-timeout", "soon"),
            ].randomElement(using: &random)!
            // HTTP/2 has no Connection.
            guard !(isHTTP2 && field.0 == "connection"), !fields.contains(where: { $0.name == field.0 }) else {
                continue
            }
            // A millisecond is over before the answer comes.
            fields.append((field.0, field.1 == "1m" ? "1M" : field.1))
        }
    }

    private static func target(_ random: inout SplitMix64) -> String {
        let parts = [
            "a", "b", "admin", "x", "c", "..", ".", "%61dmin", "%2e%2E", "", "%2F", "%5c", "%zz", "%00", "%7E",
            "%C3%A9", ";v=1",
        ]
        var path = "/"
        for index in 0..<Int.random(in: 1...3, using: &random) {
            path += (index == 0 ? "" : "/") + parts.randomElement(using: &random)!
        }
        return path + ["", "", "?q=1", "?q=2&r=%20"].randomElement(using: &random)!
    }

    /// The head in HTTP/1.1.
    var head: String {
        "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n"
            + fields.map { "\($0.name): \($0.value)\r\n" }.joined() + "\r\n"
    }

    /// The same in HTTP/2.
    var http2Fields: HTTP2Peer.Fields {
        let isSecure = entrance == .secureHTTP2
        return [
            (":method", method), (":scheme", isSecure ? "https" : "http"), (":authority", host), (":path", target),
        ] + fields.map { ($0.name, $0.value) }
    }

    /// - Parameters:
    ///   - service: That it is meant for.
    ///   - port: Of its listener, where it is a gateway's.
    func question(about service: String, at port: UInt16?) -> CallQuestion {
        var question = CallQuestion(from: caller, to: service)
        question.fromAddress = "127.0.0.1"
        question.port = port
        guard !isConnection else {
            question.host = entrance == .names ? host : nil
            return question
        }
        question.method = method
        question.path = target
        question.host = host
        question.fields = fields
        return question
    }
}
