import Testing

@testable import HTTPSemantics

extension MessageHead {
    fileprivate init(fields: [(String, String)]) {
        self.init()
        for (name, value) in fields { addField(name: Array(name.utf8).span, value: Array(value.utf8).span) }
    }

    fileprivate var lines: [String] { fields.map { text($0.name) + ": " + text($0.value) } }
}

private func knownField(_ name: [UInt8]) -> KnownField { KnownField(name.span) }

private func knownMethod(_ name: String) -> KnownMethod { KnownMethod(Array(name.utf8).span) }

@Test func `every known field and method is found by its name, and by no other`() {
    for known in KnownField.allCases where known != .other {
        let name = Array(String(describing: known.name).utf8)
        #expect(knownField(name) == known)
        for index in name.indices {
            var other = name
            other[index] ^= 1
            #expect(knownField(other) == .other)
        }
    }
    for known in KnownMethod.allCases where known != .other {
        #expect(knownMethod(String(describing: known.name)) == known)
        #expect(knownMethod(String(describing: known.name).lowercased()) == .other)
    }
    #expect(knownField([]) == .other)
}

@Test func `names are interned whatever their case`() {
    let head = MessageHead(fields: [("Content-Type", "A"), ("X-Own", "B")])
    #expect(head.lines == ["content-type: A", "x-own: B"])
    #expect(head.fields.map(\.known) == [.contentType, .other])
}

@Test func `setting a field leaves one of it`() {
    var head = MessageHead(fields: [("via", "1"), ("server", "a"), ("via", "2")])
    head.setField(.via, to: ("3" as StaticString).bytes)
    head.setField(.date, to: ("now" as StaticString).bytes)
    #expect(head.lines == ["via: 3", "server: a", "date: now"])
    head.removeField(.via)
    #expect(head.lines == ["server: a", "date: now"])
}

@Test func `a field is there until its last line is removed, however that is done`() {
    for known in KnownField.allCases where known != .other {
        let name = Array(String(describing: known.name).utf8)
        var removed: [Bool] = []
        for way in 0..<4 {
            var head = MessageHead(fields: [("a", "1")])
            for value in ["1", "2"] { head.addField(known, value: Array(value.utf8).span) }
            switch way {
            case 0: head.removeField(known)
            case 1: head.removeField(name: name.span, known: known)
            case 2:
                head.removeField(at: 1)
                let isThere = head.hasField(known)
                #expect(isThere)
                head.removeField(at: 1)
            default:
                head.removeHopByHopFields()
                head.removeHeddleFields()
                head.removeOriginFields()
            }
            let isThere = head.hasField(known)
            let isListed = head.fields.contains { $0.known == known }
            #expect(isThere == isListed)
            removed.append(!isThere)
        }
        #expect(removed.prefix(3) == [true, true, true])
    }
}

@Test func `every hop-by-hop field is noted as one`() {
    let bits = KnownField.allCases.filter(\.isHopByHop).reduce(0) { $0 | $1.bit }
    #expect(bits == KnownField.hopByHopBits)
    for known in KnownField.allCases where known.isHopByHop {
        var head = MessageHead()
        head.addField(known, value: ("x" as StaticString).bytes)
        let isThere = head.hasField(known)
        head.removeHopByHopFields()
        let isStillThere = head.hasField(known)
        #expect(isThere && !isStillThere && head.lines.isEmpty)
    }
}

@Test func `an item is added to a list over all its lines`() {
    var head = MessageHead(fields: [
        ("x-forwarded-for", "1.1.1.1"), ("a", "b"), ("X-Forwarded-For", "2.2.2.2, 3.3.3.3"),
    ])
    head.appendToList(.forwardedFor, ("4.4.4.4" as StaticString).bytes)
    head.appendToList(.via, ("1.1 x" as StaticString).bytes)
    #expect(head.lines == ["x-forwarded-for: 1.1.1.1, 2.2.2.2, 3.3.3.3, 4.4.4.4", "a: b", "via: 1.1 x"])
}

@Test func `the host is copied with its port`() throws {
    var head = MessageHead(fields: [("host", "X")])
    try head.setHost(canonicalizing: Array("Orders.:81".utf8).span)
    head.copyHost(to: .forwardedHost)
    #expect(head.lines == ["host: orders", "x-forwarded-host: orders:81"])
}

@Test func `hop-by-hop fields and those that Connection names are dropped`() {
    var head = MessageHead(fields: [
        ("Connection", "close, X-Mine ,, TE"), ("x-mine", "1"), ("te", "trailers"), ("keep-alive", "5"),
        ("upgrade", "h2c"),
        ("http2-settings", "A"), ("proxy-authorization", "p"), ("transfer-encoding", "chunked"), ("x-mine-too", "2"),
        ("proxy-connection", "keep-alive"), ("connection", "\tx-other"), ("x-other", "3"),
    ])
    head.removeHopByHopFields()
    #expect(head.lines == ["x-mine-too: 2"])
}

@Test func `as many options as a message may have are found, whatever their case and order`() {
    let names = (0..<90).map { "x-field-\($0)" }
    let named = names.filter { $0.hasSuffix("0") || $0.hasSuffix("7") || $0.hasSuffix("3") }
    let options = (named + ["x-nobody", "x-field-", "x-field-99"]).reversed().map { $0.uppercased() }
    var head = MessageHead(fields: names.map { ($0, "v") } + [("connection", options.joined(separator: ",\t"))])
    head.removeHopByHopFields()
    #expect(head.lines == names.filter { !named.contains($0) }.map { $0 + ": v" })
}

@Test func `a number is read from a field and written to it`() {
    var head = MessageHead(fields: [
        ("x-heddle-hops", "3"), ("x-heddle-hops", "12"), ("x-heddle-hops", "many"), ("max-forwards", "7"),
    ])
    #expect(head.largestNumber(of: .heddleHops) == 12)
    #expect(head.singleNumber(of: .heddleHops) == nil)
    #expect(head.singleNumber(of: .maxForwards) == 7)
    #expect(head.largestNumber(of: .via) == 0)
    head.removeHeddleFields()
    head.addField(.heddleHops, number: 10)
    #expect(head.lines == ["max-forwards: 7", "x-heddle-hops: 10"])
    for text in ["", "-1", "+1", "1 ", "0x1", "1234567890123456789"] {
        #expect(MessageHead(fields: [("max-forwards", text)]).singleNumber(of: .maxForwards) == nil)
    }
}

/// Traefik CVE-2024-45410, CVE-2021-32813.
@Test func `Connection cannot have end-to-end fields dropped`() {
    let names = [
        "host", "content-length", "authorization", "cookie", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
        "x-request-id", "traceparent", "x-heddle-caller",
    ]
    var head = MessageHead(
        fields: names.map { ($0, "v") } + [("Connection", names.joined(separator: ", ").uppercased())])
    head.removeHopByHopFields()
    #expect(head.lines == names.map { $0 + ": v" })
}

/// Envoy CVE-2023-27487, CVE-2024-45806.
@Test func `what only Heddle may say is dropped`() {
    var head = MessageHead(fields: [
        ("X-Heddle-Caller", "a"), ("x-heddle-reason", "b"), ("x-heddle-", "c"), ("X-HEDDLE-anything", "d"),
        ("x-forwarded-client-cert", "e"), ("x-heddl", "f"), ("x-heddles-own", "g"),
    ])
    head.removeHeddleFields()
    #expect(head.lines == ["x-heddl: f", "x-heddles-own: g"])
}

@Test func `a list gives its items without white space and empty ones`() {
    let bytes = Array(" a ,, b\t,\t ,c".utf8)
    var cursor = 0
    var items: [String] = []
    while let item = ListItems.next(bytes.span, &cursor, bytes.count) {
        items.append(String(decoding: bytes[item], as: UTF8.self))
    }
    #expect(items == ["a", "b", "c"])
}

@Test func `a line stands as HTTP/1.1 writes it`() {
    for value in ["", "b", String(repeating: "c", count: 9_000)] {
        var head = MessageHead(byteCapacity: 0, fieldCapacity: 0)
        for _ in 0..<2 { head.addField(name: Array("X-A".utf8).span, value: Array(value.utf8).span) }
        #expect(head.storage.array == Array("x-a: \(value)\r\nx-a: \(value)\r\n".utf8))
        for field in head.fields {
            #expect(head.text(field.name) == "x-a")
            #expect(head.text(field.value) == value)
        }
    }
}

@Test func `numbers are written in decimal`() {
    for number in [0, 9, 10, 99, 100, 12_345, UInt64.max] {
        var bytes: [UInt8] = []
        bytes.append(decimal: number)
        #expect(String(decoding: bytes, as: UTF8.self) == String(number))
        var buffer = ByteBuffer()
        buffer.append(decimal: 7)
        buffer.append(decimal: number)
        #expect(buffer.array == Array("7\(number)".utf8))
    }
}

@Test func `a head that gives its memory back says what it said`() {
    var head = MessageHead(fields: [("host", "orders"), ("x-own", "B")])
    head.host = head.append("orders".utf8)
    head.path = head.append("/a".utf8)
    head.query = head.append("b=c".utf8)
    head.hasQuery = true
    head.upgrade = .webSocket
    head.contentLength = 7
    head.compact()
    #expect(head.lines == ["host: orders", "x-own: B"])
    #expect(head.text(head.host) == "orders" && head.text(head.path) == "/a" && head.text(head.query) == "b=c")
    #expect(head.hasQuery && head.upgrade == .webSocket && head.contentLength == 7)
    #expect(head.storage.capacity < 64 && head.fields.capacity < 8)
}
