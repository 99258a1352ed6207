import HTTPSemantics

/// What a head says to whoever reads it, in whatever version of HTTP it is written.
struct HeadMeaning: Equatable, CustomStringConvertible {
    var method = ""
    var host = ""
    var port: UInt16 = 0
    var path = ""
    var query: String?
    var upgrade = UpgradeProtocol.none
    var status: UInt16 = 0
    var contentLength: UInt64?
    /// In order, save that cookies stand as one after the others.
    var fields: [[UInt8]] = []

    var description: String {
        let lines = fields.map { String(decoding: $0, as: UTF8.self) }
        return
            "\(method) \(host):\(port) \(path) \(query ?? "-") \(upgrade) \(status) \(contentLength ?? .max) \(lines)"
    }

    init(_ head: borrowing MessageHead) {
        method = head.text(head.method)
        host = head.text(head.host)
        port = head.hostPort
        path = head.text(head.path)
        query = head.hasQuery ? head.text(head.query) : nil
        upgrade = head.upgrade
        status = head.status
        // What these have no body to go with.
        contentLength = status == 204 || (100..<200).contains(status) || method == "CONNECT" ? nil : head.contentLength
        var cookies: [UInt8] = []
        for field in head.fields {
            let value = head.array(field.value)
            switch field.known {
            case .contentLength, .te: continue
            case .host where status == 0: continue
            case .cookie:
                if value.isEmpty { continue }
                cookies += (cookies.isEmpty ? [] : Array("; ".utf8)) + value
            default: fields.append(head.array(field.name) + Array(": ".utf8) + value)
            }
        }
        if !cookies.isEmpty { fields.append(Array("cookie: ".utf8) + cookies) }
    }
}

/// What every head promises.
enum HeadChecks {
    /// Nothing that can split a line, and nothing that is not in the form a head promises.
    static func check(_ head: borrowing MessageHead) {
        for field in head.fields {
            let name = head.array(field.name)
            let value = head.array(field.value)
            precondition(!name.isEmpty && name.allSatisfy { ByteClass.lowercaseToken.contains($0) })
            precondition(value.allSatisfy { ($0 >= 0x20 || $0 == 9) && $0 != 0x7F })
            precondition(value.first != 32 && value.first != 9 && value.last != 32 && value.last != 9)
            precondition(field.known == KnownField(name.span))
        }
        for range in [head.method, head.host, head.path, head.query] {
            precondition(head.array(range).allSatisfy { $0 > 0x20 && $0 < 0x7F })
        }
    }
}
