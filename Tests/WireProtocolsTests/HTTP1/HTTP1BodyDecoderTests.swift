import HTTPSemantics
import Testing

@testable import WireProtocols

/// A body as it was understood: its data, its trailers, and what was left over.
struct Decoded: Equatable {
    var data = ""
    var trailers: [String] = []
    var rest: String?
    var error: String?
}

/// - Parameter step: Bytes given at once.
private func decode(
    _ text: String, _ body: HTTP1Framing.Body = .chunked, step: Int = .max, limits: HTTP1Limits = HTTP1Limits()
) -> Decoded {
    let bytes = Array(text.utf8)
    var decoder = HTTP1BodyDecoder(body)
    var trailers = MessageHead()
    trailers.addField(.via, value: ("stale" as StaticString).bytes)
    var result = Decoded()
    var data: [UInt8] = []
    var used = 0
    do throws(HTTP1Error) {
        while used < bytes.count || decoder.isComplete {
            let end = step < bytes.count - used ? used + step : bytes.count
            switch try decoder.next(bytes.span.extracting(used..<end), trailers: &trailers, limits: limits) {
            case .data(let range):
                data += bytes[(used + range.lowerBound)..<(used + range.upperBound)]
                used += range.upperBound
            case .needsMore(let count):
                used += count
            case .end(let count):
                result.rest = String(decoding: bytes[(used + count)...], as: UTF8.self)
                result.trailers = trailers.textCopy().fields.map { "\($0.name): \($0.value)" }
                used = .max
            }
            if used == .max { break }
        }
    } catch {
        result.error = String(describing: error.name)
    }
    result.data = String(decoding: data, as: UTF8.self)
    return result
}

@Test(arguments: [
    ("0\r\n\r\n", Decoded(rest: "")), ("5\r\nhello\r\n0\r\n\r\nGET", Decoded(data: "hello", rest: "GET")),
    ("00A\r\n0123456789\r\n1\r\n!\r\n000\r\n\r\n", Decoded(data: "0123456789!", rest: "")),
    (
        "1\r\na\r\n0\r\nX-Sum: 7 \r\nvia: b\r\n\r\nrest",
        Decoded(data: "a", trailers: ["x-sum: 7", "via: b"], rest: "rest")
    ),
    ("7fffffffffffffff\r\nabc", Decoded(data: "abc")),
])
func `chunks are decoded, whatever pieces they come in`(text: String, expected: Decoded) {
    for step in [1, 2, 3, 5, .max] { #expect(decode(text, step: step) == expected) }
}

@Test(arguments: [
    ("\r\n", "invalid-chunk-size"), ("x\r\n", "invalid-chunk-size"), ("-1\r\n", "invalid-chunk-size"),
    ("0x5\r\n", "invalid-chunk-size"), ("8000000000000000\r\n", "invalid-chunk-size"),
    ("00000000000000001\r\n", "invalid-chunk-size"), (" 5\r\n", "invalid-chunk-size"), ("5\n", "invalid-line-end"),
    ("5\rhello", "invalid-line-end"), ("5;\r\n", "chunk-extension"), ("5 \r\n", "chunk-extension"),
    ("5\t;\r\n", "chunk-extension"), ("1\r\nab\r\n", "invalid-chunk-end"), ("1\r\na\n0\r\n\r\n", "invalid-chunk-end"),
    ("1\r\na\r1\r\n", "invalid-chunk-end"), ("0\r\nx : y\r\n\r\n", "invalid-field-name"),
    ("0\r\nx: y\r\n z\r\n\r\n", "folded-line"), ("0\r\nx: \u{0}\r\n\r\n", "invalid-field-value"),
    ("0\r\nx: y\n\r\n", "invalid-line-end"), ("0\r\n\n", "invalid-line-end"),
])
func `chunks in doubt are refused`(text: String, name: String) {
    for step in [1, 3, .max] { #expect(decode(text, step: step).error == name) }
}

@Test(arguments: [
    ";a", ";a=b", ";a=\"b\"", ";a=\"\"", ";a;b;c=d", " ;a", "\t ; a\t= b", ";a ; b", ";a=b ;c=\"d\" ;e",
    ";a=\"\\\"; \\\\ =\t\u{e9}\"", ";a=5",
])
func `chunk extensions that are written as they should be are dropped`(text: String) {
    for step in [1, 2, 3, .max] {
        let decoded = decode("5\(text)\r\nhello\r\n0\(text)\r\nx: y\r\n\r\nrest", step: step)
        #expect(decoded == Decoded(data: "hello", trailers: ["x: y"], rest: "rest"))
    }
}

@Test(arguments: [
    ";", "; ", ";=", ";a=", ";a= ", ";a b", ";a ", ";a=b ", ";a=b c", ";a=\"b", ";a=\"b\\", ";a=\"b\"c", ";a=\"b\" ",
    ";a;", ";,",
    ";a=b,c", ";\u{0}", ";a=\"\u{0}\"", ";a=\"\\\u{1}\"", ";a=\"\u{7f}\"", ";a=\u{e9}", " a", "\t", " 5",
])
func `any other chunk extension is refused`(text: String) {
    for step in [1, 3, .max] {
        #expect(decode("5\(text)\r\nhello\r\n0\r\n\r\n", step: step).error == "chunk-extension")
    }
}

@Test(arguments: [";a\n", ";a\r\r\n", ";a=\"b\n\"\r\n", ";\n", " \n"])
func `a line that ends in a chunk extension ends with CRLF`(text: String) {
    let error = decode("5\(text)hello\r\n0\r\n\r\n").error
    #expect(error == "invalid-line-end")
}

@Test func `chunk extensions are limited, and bytes of the body make up for them`() {
    let limit = HTTP1BodyDecoder.extensionByteLimit
    let most = ";" + String(repeating: "a", count: limit)
    for step in [7, .max] {
        #expect(decode("1\(most)\r\nx\r\n0\r\n\r\n", step: step).rest == "")
        #expect(decode("1\(most)a\r\nx\r\n0\r\n\r\n", step: step).error == "chunk-extensions-too-large")
        // The one byte of data is one byte more, beside the `;`.
        #expect(decode("1\(most)\r\nx\r\n0;aa\r\n\r\n", step: step).error == "chunk-extensions-too-large")
        #expect(decode("1\(most)\r\nx\r\n0;a\r\n\r\n", step: step).rest == "")
    }
    let many = String(repeating: "a;name=valuevalue\r\n0123456789\r\n", count: 10_000)
    #expect(decode(many + "0\r\n\r\n").error == "chunk-extensions-too-large")
    let few = String(repeating: "14;name=value\r\n01234567890123456789\r\n", count: 10_000)
    #expect(decode(few + "0\r\n\r\n").rest == "")
}

@Test func `trailers that would frame, route or authenticate are dropped`() {
    let names = [
        "content-length", "transfer-encoding", "host", "authorization", "cookie", "connection", "te", "trailer",
        "expect",
        "content-type", "content-encoding", "set-cookie", "cache-control", "if-match", "proxy-x", "range",
        "x-forwarded-for",
        "x-forwarded-other", "x-heddle-caller", "x-heddle-x", "x-request-id", "traceparent",
    ]
    let lines = names.map { "\($0): 1\r\n" }.joined()
    #expect(decode("0\r\n\(lines)grpc-status: 0\r\nage-x: 1\r\n\r\n").trailers == ["grpc-status: 0", "age-x: 1"])
}

@Test func `a trailer section is limited, in bytes and fields, in pieces and whole`() {
    var limits = HTTP1Limits()
    limits.trailerByteCount = 40
    limits.fieldCount = 2
    let long = "0\r\nx: " + String(repeating: "y", count: 60)
    for step in [1, 7, .max] {
        #expect(decode(long, step: step, limits: limits).error == "trailers-too-large")
        #expect(decode(long + "\r\n\r\n", step: step, limits: limits).error == "trailers-too-large")
        #expect(decode("0\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n", step: step, limits: limits).error == "too-many-fields")
        let after = String(repeating: "z", count: 60)
        #expect(decode("0\r\na: 1\r\n\r\n" + after, step: step, limits: limits).rest?.hasPrefix("z") != false)
    }
}

@Test func `a body of a length ends where it should`() {
    for step in [1, 2, .max] {
        #expect(decode("helloGET", .length(5), step: step) == Decoded(data: "hello", rest: "GET"))
        #expect(decode("hello", .length(5), step: step) == Decoded(data: "hello", rest: ""))
        #expect(decode("hel", .length(5), step: step) == Decoded(data: "hel"))
    }
    #expect(decode("", .none) == Decoded(rest: ""))
    #expect(decode("GET", .length(0)) == Decoded(rest: "GET"))
}

@Test func `a body may end with its connection`() {
    let decoder = HTTP1BodyDecoder(.untilClose)
    #expect(decoder.endsWithConnection && !decoder.isComplete)
    #expect(decode("0\r\n\r\n", .untilClose) == Decoded(data: "0\r\n\r\n"))
}

@Test func `no body is complete at once`() {
    #expect(HTTP1BodyDecoder().isComplete && !HTTP1BodyDecoder().endsWithConnection)
}
