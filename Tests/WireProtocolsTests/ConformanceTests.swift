import Foundation
import HTTPSemantics
import Testing

@testable import WireProtocols

/// One case of `http1-cases.json`: bytes to a proxy, and what must come of them.
private struct Case: Decodable {
    struct Piece: Decodable { let bytes: String }
    struct Message: Decodable {
        let method: String
        let body: String
    }
    struct Expectation: Decodable {
        let kind: String
        let validBefore: Int?
        let messages: [Message]?
    }
    struct Direction: Decodable { let cases: [Case] }

    let id: String
    let direction: String
    let send: [Piece]?
    let expect: Expectation

    /// The requests of the file that is laid beside the repository; none where it is not.
    static let requests: [Case] = {
        let root = URL(fileURLWithPath: #filePath).pathComponents.dropLast(3)
        for levels in 1...3 {
            let path = root.dropLast(levels).joined(separator: "/").dropFirst() + "/shared/conformance/http1-cases.json"
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            guard let data = FileManager.default.contents(atPath: "/" + path.drop { $0 == "/" }) else { continue }
            return (try? decoder.decode(Direction.self, from: data))?.cases.filter { $0.direction == "request" }
                ?? []
        }
        return []
    }()

    /// Latin-1 text; `{{HOST}}` is where the proxy listens.
    var bytes: [UInt8] {
        (send ?? []).map(\.bytes).joined()
            .replacingOccurrences(of: "{{HOST}}", with: "127.0.0.1:8080")
            .replacingOccurrences(of: "{{PORT}}", with: "8080")
            .unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }
}

/// The messages a connection's bytes turn out to hold, and why reading ended.
private struct Reading {
    var messages: [(method: String, body: [UInt8])] = []
    var error: HTTP1Error?

    init(_ bytes: [UInt8]) {
        var head = MessageHead()
        var framing = HTTP1Framing()
        var trailers = MessageHead()
        var used = 0
        do throws(HTTP1Error) {
            while used < bytes.count {
                var scan = HTTP1ScanState()
                let count = try HTTP1RequestParser.parse(
                    bytes.span.extracting(used...), into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan,
                    scheme: .http)
                guard let count else { return }
                used += count
                var decoder = HTTP1BodyDecoder(framing.body)
                var body: [UInt8] = []
                loop: while true {
                    let rest = bytes.span.extracting(used...)
                    switch try decoder.next(rest, trailers: &trailers, limits: HTTP1Limits()) {
                    case .data(let range):
                        body += bytes[(used + range.lowerBound)..<(used + range.upperBound)]
                        used += range.upperBound
                    case .needsMore: return
                    case .end(let count):
                        used += count
                        break loop
                    }
                }
                messages.append((head.text(head.method), body))
                if !framing.keepsAlive || framing.isUpgrade || head.knownMethod == .connect { return }
            }
        } catch {
            self.error = error
        }
    }
}

/// Cases where Heddle refuses what the suite would have accepted, each on purpose: docs/reference/http1.md.
private let refusals: [String: String] = [
    // `#` in a target (policy.md).
    "llhttp/url:19": "fragment", "llhttp/url:129": "fragment", "aws-desync/rfc-compliant/11": "fragment",
    // The target's authority and Host differ (policy.md); HTTP/1.0 without Host (policy.md).
    "llhttp/request/uri:54": "host-mismatch", "llhttp/request/content-length:263": "missing-host",
    // Codings before `chunked`, several lines of them, parameters.
    "aws-desync/rfc-compliant/8": "invalid-transfer-encoding",
    "aws-desync/rfc-compliant/9": "unsupported-transfer-encoding",
    "aws-desync/rfc-compliant/10": "invalid-transfer-encoding",
    "aws-desync/more-compliant-tests/5": "unsupported-transfer-encoding",
    "aws-desync/more-compliant-tests/7": "unsupported-transfer-encoding",
    "aws-desync/more-compliant-tests/8": "invalid-transfer-encoding",
    "aws-desync/more-compliant-tests/9": "invalid-transfer-encoding",
    "llhttp/request/transfer-encoding:753": "unsupported-transfer-encoding",
    "llhttp/request/transfer-encoding:795": "invalid-transfer-encoding",
    // Not HTTP/1.x: no version, RTSP, ICE; no target.
    "llhttp/request/sample:316": "invalid-request-line", "llhttp/request/method:374": "invalid-request-line",
    "llhttp/request/method:404": "invalid-request-line", "llhttp/request/method:432": "invalid-request-line",
    "aws-desync/rfc-compliant/13": "invalid-request-line",
]

/// A whole request with a body of four bytes, and after it text that is none: the suite's parser is one for both.
private let acceptances = ["llhttp/request/connection:158"]

/// As `h1_runner.py` judges: nothing after the point of doubt is taken, and what is taken has the same method and body.
@Test func `published requests are read as their suites expect`() {
    var refused: [String: String] = [:]
    var taken: [String] = []
    for test in Case.requests {
        let reading = Reading(test.bytes)
        switch test.expect.kind {
        case "reject":
            if reading.messages.count > test.expect.validBefore ?? 0 { taken.append(test.id) }
        case "accept":
            let wanted = test.expect.messages ?? []
            for (message, read) in zip(wanted, reading.messages) {
                #expect(message.method == read.method, "\(test.id)")
                #expect(
                    Array(message.body.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }) == read.body,
                    "\(test.id)")
            }
            if let error = reading.error, reading.messages.count < wanted.count {
                refused[test.id] = String(describing: error.name)
            }
        case "accept-status":
            // Some hold less of a body than they announce: those are waited for.
            if let error = reading.error, reading.messages.isEmpty { refused[test.id] = String(describing: error.name) }
        default: break
        }
    }
    guard !Case.requests.isEmpty else { return }
    #expect(refused == refusals)
    #expect(taken == acceptances)
}
