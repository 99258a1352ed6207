import HPACKCoding

/// The fields of a head, in the order in which they are sent.
struct Fields: Sendable, Equatable {
    /// The service that every request of the suite is for.
    static let authority = "orders"

    var lines: [Field]

    init(lines: [Field]) { self.lines = lines }

    init(_ lines: [(String, String)]) { self.lines = lines.map { Field($0.0, $0.1) } }

    static let get = request("GET")
    static let post = request("POST")
    static let ok = Fields([(":status", "200")])

    static func request(_ method: String, _ path: String = "/") -> Fields {
        Fields([(":method", method), (":scheme", "http"), (":path", path), (":authority", authority)])
    }

    static func status(_ status: String) -> Fields { Fields([(":status", status)]) }

    /// With another line behind the others.
    func adding(_ name: String, _ value: String) -> Fields {
        var fields = self
        fields.lines.append(Field(name, value))
        return fields
    }

    /// With another line before the others.
    func beginning(_ name: String, _ value: String) -> Fields {
        var fields = self
        fields.lines.insert(Field(name, value), at: 0)
        return fields
    }

    func without(_ name: String) -> Fields {
        var fields = self
        fields.lines.removeAll { $0.name == name }
        return fields
    }

    /// With another value in the same place.
    func setting(_ name: String, _ value: String) -> Fields {
        var fields = self
        for index in fields.lines.indices where fields.lines[index].name == name { fields.lines[index].value = value }
        return fields
    }

    /// Literals that leave no trace in the dynamic table, so that a block means the same wherever it is sent.
    var block: [UInt8] { lines.flatMap { HPACK.literal($0.name, $0.value) } }

    /// The first one's value.
    subscript(name: String) -> String? { lines.first { $0.name == name }?.value }
}
