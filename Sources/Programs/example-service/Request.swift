/// The bytes are no HTTP/1.1 request. Heddle lets none of these through; the check is for those who call directly.
struct MalformedRequest: Error {}

/// One request, as text.
struct Request {
    let method: String
    /// The request target as it arrived, query included.
    let target: String
    let version: String
    /// In order of arrival.
    let fields: [(name: String, value: String)]
    let bodyByteCount: Int

    /// Reads HTTP/1.1 (RFC 9112).
    /// - Returns: The first request of `bytes` and how many of them it takes, or `nil` while it is incomplete.
    static func parse(_ bytes: [UInt8]) throws(MalformedRequest) -> (request: Request, byteCount: Int)? {
        guard let headByteCount = endOfHead(in: bytes) else { return nil }
        var lines: [Substring] = String(decoding: bytes[..<headByteCount], as: UTF8.self).split(separator: "\r\n")
        guard !lines.isEmpty else { throw MalformedRequest() }
        let start = lines.removeFirst().split(separator: " ")
        guard start.count == 3, start[2].hasPrefix("HTTP/1.") else { throw MalformedRequest() }

        var fields: [(name: String, value: String)] = []
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else { throw MalformedRequest() }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            fields.append((name: line[..<colon].lowercased(), value: String(value)))
        }

        let body = bytes[headByteCount...]
        let extent: (bodyByteCount: Int, byteCount: Int)?
        if fields.contains(where: { $0.name == "transfer-encoding" && $0.value.lowercased() == "chunked" }) {
            extent = try chunkedExtent(of: body)
        } else if let length = fields.last(where: { $0.name == "content-length" })?.value {
            guard let count = Int(length), count >= 0 else { throw MalformedRequest() }
            extent = body.count >= count ? (count, count) : nil
        } else {
            extent = (0, 0)
        }
        guard let extent else { return nil }
        let request = Request(
            method: String(start[0]), target: String(start[1]), version: String(start[2]), fields: fields,
            bodyByteCount: extent.bodyByteCount)
        return (request, headByteCount + extent.byteCount)
    }

    var closesConnection: Bool {
        let choice = fields.last { $0.name == "connection" }?.value.lowercased()
        return choice == "close" || (version == "HTTP/1.0" && choice != "keep-alive")
    }

    /// What is answered.
    func json(service: String) -> String {
        var values: [String: [String]] = [:]
        for field in fields { values[field.name, default: []].append(field.value) }
        let headers = values.sorted { $0.key < $1.key }.map { name, values in
            "\(Self.quoted(name)): [\(values.map(Self.quoted).joined(separator: ", "))]"
        }
        return """
            {
              "service": \(Self.quoted(service)),
              "method": \(Self.quoted(method)),
              "path": \(Self.quoted(target)),
              "bodyBytes": \(bodyByteCount),
              "headers": {
                \(headers.joined(separator: ",\n    "))
              }
            }

            """
    }

    /// The whole answer over HTTP/1.1.
    func echo(service: String) -> [UInt8] {
        let body = json(service: service)
        let head = """
            HTTP/1.1 200 OK\r
            Content-Type: application/json\r
            Content-Length: \(body.utf8.count)\r
            \(closesConnection ? "Connection: close\r\n" : "")\r

            """
        return Array((method == "HEAD" ? head : head + body).utf8)
    }

    private static func endOfHead(in bytes: [UInt8]) -> Int? {
        let end = Array("\r\n\r\n".utf8)
        guard bytes.count >= end.count else { return nil }
        return (end.count...bytes.count).first { bytes[($0 - end.count)..<$0].elementsEqual(end) }
    }

    /// The body's size without framing and with it, or `nil` while it is incomplete (RFC 9112 § 7.1).
    private static func chunkedExtent(
        of bytes: ArraySlice<UInt8>
    ) throws(MalformedRequest) -> (bodyByteCount: Int, byteCount: Int)? {
        var rest = bytes
        var bodyByteCount = 0
        /// A line without its CRLF, taken off `rest`.
        func takeLine() -> ArraySlice<UInt8>? {
            guard let end = rest.firstIndex(of: 0x0A) else { return nil }
            defer { rest = rest[(end + 1)...] }
            return rest[..<end].prefix { $0 != 0x0D }
        }
        while true {
            guard let line = takeLine() else { return nil }
            let digits = String(decoding: line.prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
            guard let size = Int(digits, radix: 16), size >= 0 else { throw MalformedRequest() }
            if size == 0 { break }
            guard rest.count >= size + 2 else { return nil }
            bodyByteCount += size
            rest = rest.dropFirst(size + 2)
        }
        while true {  // trailers, up to the empty line
            guard let line = takeLine() else { return nil }
            if line.isEmpty { return (bodyByteCount, rest.startIndex - bytes.startIndex) }
        }
    }

    /// A JSON string (RFC 8259 § 7).
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
