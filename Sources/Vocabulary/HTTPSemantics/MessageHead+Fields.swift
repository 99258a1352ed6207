extension MessageHead {
    /// A field of this name is there.
    @inlinable @inline(__always)
    public func hasField(_ known: KnownField) -> Bool {
        let isNamed = names & known.bit != 0
        assert(known == .other || isNamed == fields.contains { $0.known == known })
        return isNamed
    }

    /// Where the first field of this name has its value.
    package func value(of known: KnownField) -> ByteRange? {
        guard let index = index(of: known) else { return nil }
        return fields[index].value
    }

    private func index(of known: KnownField) -> Int? {
        guard names & known.bit != 0 else { return nil }
        for index in fields.indices where fields[index].known == known { return index }
        return nil
    }

    // MARK: Filling

    /// Appends a field line whose bytes `fill` will bring.
    package mutating func appendLine(name: ByteRange, value: ByteRange) {
        fields.append(Field(name: name, value: value, known: .other))
    }

    /// Takes the bytes of a whole head or trailer section whose lines were appended with ranges into it: brings the names
    /// to lower case and interns them. The head must hold no bytes yet.
    package mutating func fill(_ bytes: Span<UInt8>) {
        precondition(storage.isEmpty)
        storage.append(copying: bytes)
        for index in fields.indices { intern(index) }
    }

    /// Brings a field's name to lower case, and finds out which it is.
    @inline(__always)
    private mutating func intern(_ index: Int) {
        let name = fields[index].name
        storage.lowercase(name.bounds)
        let known = KnownField(bytes(name))
        names |= Self.bits(known, bytes(name))
        fields[index].known = known
    }

    /// What a field of this name sets in `names`.
    @inline(__always)
    static func bits(_ known: KnownField, _ name: Span<UInt8>) -> UInt64 {
        if case .other = known { known.bit | unknownBits(name) } else { known.bit }
    }

    private static func unknownBits(_ name: Span<UInt8>) -> UInt64 {
        switch GuardedField(name) {
        case .none: 0
        case .heddle, .alias: KnownField.otherHeddleBit
        case .origin: KnownField.otherOriginBit
        }
    }

    /// - Parameter value: Checked by the caller: no CR, LF or NUL.
    package mutating func addField(_ known: KnownField, value: Span<UInt8>) {
        addLine(name: known.name.bytes, value: value, known: known)
    }

    /// - Parameters:
    ///   - name: A token in any case; it is brought to lower case.
    ///   - value: Checked by the caller: no CR, LF or NUL.
    package mutating func addField(name: Span<UInt8>, value: Span<UInt8>) {
        addLine(name: name, value: value, known: .other)
        intern(fields.count - 1)
    }

    /// Adds a field whose value is a number in decimal.
    package mutating func addField(_ known: KnownField, number: UInt64) {
        let name = append(known.name.bytes)
        storage.append(UInt8(ascii: ":"))
        storage.append(UInt8(ascii: " "))
        let start = storage.count
        storage.append(decimal: number)
        let value = ByteRange(offset: start, count: storage.count - start)
        storage.append(UInt8(ascii: "\r"))
        storage.append(UInt8(ascii: "\n"))
        appendField(Field(name: name, value: value, known: known))
    }

    /// The largest number that a line of this field has; 0 if none has one.
    package func largestNumber(of known: KnownField) -> UInt64 {
        guard names & known.bit != 0 else { return 0 }
        var largest: UInt64 = 0
        for index in fields.indices where fields[index].known == known {
            largest = max(largest, number(fields[index].value) ?? 0)
        }
        return largest
    }

    /// Where the only line of this field has its value; `nil` if there is none, or another line.
    package func onlyValue(of known: KnownField) -> ByteRange? {
        guard let first = index(of: known) else { return nil }
        for index in (first + 1)..<fields.count where fields[index].known == known { return nil }
        return fields[first].value
    }

    /// The number that the only line of this field has; `nil` if it has none, or if there is another line.
    package func singleNumber(of known: KnownField) -> UInt64? {
        guard let value = onlyValue(of: known) else { return nil }
        return number(value)
    }

    /// 1 to 18 digits.
    private func number(_ range: ByteRange) -> UInt64? {
        let digits = bytes(range)
        guard digits.count >= 1, digits.count <= 18 else { return nil }
        var value: UInt64 = 0
        for index in digits.indices {
            guard ASCII.isDigit(digits[index]) else { return nil }
            value = value * 10 + UInt64(digits[index] - 0x30)
        }
        return value
    }

    /// The bytes stand as a field line, so that an HTTP/1.1 serializer copies runs of them whole.
    mutating func addLine(name: Span<UInt8>, value: Span<UInt8>, known: KnownField) {
        let start = storage.count
        storage.append(fieldLine: name, value)
        fields.append(
            Field(
                name: ByteRange(offset: start, count: name.count),
                value: ByteRange(offset: start + name.count + 2, count: value.count), known: known))
        names |= Self.bits(known, name)
    }

    /// One field of this name, with this value, in the place of any there are.
    package mutating func setField(_ known: KnownField, to value: Span<UInt8>) {
        guard let first = index(of: known) else { return addField(known, value: value) }
        fields[first].value = append(value)
        removeFields(known, after: first)
    }

    /// The same with bytes that the head has already.
    package mutating func setField(_ known: KnownField, to value: ByteRange) {
        guard let first = index(of: known) else { return }
        fields[first].value = value
        removeFields(known, after: first)
    }

    package mutating func removeField(_ known: KnownField) {
        removeFields(known, after: -1)
        names &= ~known.bit
    }

    package mutating func removeField(at index: Int) {
        let known = fields.remove(at: index).known
        if known != .other, !fields.contains(where: { $0.known == known }) { names &= ~known.bit }
    }

    private mutating func removeFields(_ known: KnownField, after first: Int) {
        guard names & known.bit != 0 else { return }
        var kept = first + 1
        for index in kept..<fields.count where fields[index].known != known {
            if kept != index { fields[kept] = fields[index] }
            kept += 1
        }
        fields.removeLast(fields.count - kept)
    }

    /// Adds an item to a list field (RFC 9110 § 5.6.1); several lines of it become one.
    package mutating func appendToList(_ known: KnownField, _ item: Span<UInt8>) {
        guard let first = index(of: known) else { return addField(known, value: item) }
        let start = storage.count
        for index in first..<fields.count where fields[index].known == known && !fields[index].value.isEmpty {
            copyToEnd(fields[index].value)
            storage.append(UInt8(ascii: ","))
            storage.append(UInt8(ascii: " "))
        }
        storage.append(copying: item)
        fields[first].value = ByteRange(offset: start, count: storage.count - start)
        removeFields(known, after: first)
    }

    /// Makes one line of all lines of a field that have a value, for one whose own way of joining is not a list's.
    package mutating func joinFields(_ known: KnownField, with separator: StaticString) {
        guard let first = index(of: known) else { return }
        let start = storage.count
        for index in first..<fields.count where fields[index].known == known && !fields[index].value.isEmpty {
            if storage.count > start { storage.append(copying: separator.bytes) }
            copyToEnd(fields[index].value)
        }
        fields[first].value = ByteRange(offset: start, count: storage.count - start)
        removeFields(known, after: first)
    }

    /// Sets a field to the request's host, with its port where it named one.
    package mutating func copyHost(to known: KnownField) {
        let start = storage.count
        copyToEnd(host)
        if hostPort != 0 {
            storage.append(UInt8(ascii: ":"))
            storage.append(decimal: UInt64(hostPort))
        }
        let value = ByteRange(offset: start, count: storage.count - start)
        if let first = index(of: known) {
            fields[first].value = value
            removeFields(known, after: first)
        } else {
            let name = append(known.name.bytes)
            appendField(Field(name: name, value: value, known: known))
        }
    }

    private mutating func copyToEnd(_ range: ByteRange) {
        storage.append(copyingOwn: range.bounds)
    }

    // MARK: What does not go on

    /// Drops what is meant for this hop alone: `Connection`, what it names, and what HTTP/1.0 had of the kind (RFC 9110
    /// § 7.6.1). A caller cannot have end-to-end fields dropped that Heddle or a proxy before it answers for, by naming them.
    package mutating func removeHopByHopFields() {
        guard names & KnownField.hopByHopBits != 0 else { return }
        if hasField(.connection) { markNamedByConnection() }
        var kept = 0
        for index in fields.indices where !fields[index].known.isHopByHop && !fields[index].name.isEmpty {
            if kept != index { fields[kept] = fields[index] }
            kept += 1
        }
        fields.removeLast(fields.count - kept)
        names &= ~KnownField.hopByHopBits
    }

    /// Empties the name of each field that an option of `Connection` names.
    private mutating func markNamedByConnection() {
        // A bit for each length that a name has, 63 for all above: an option of another length names none.
        var lengths: UInt64 = 0
        for index in fields.indices where !fields[index].known.isProtected {
            lengths |= 1 << UInt64(min(fields[index].name.count, 63))
        }
        var cursor = OptionCursor(lengths: lengths)
        if let first = nextOption(&cursor) { markFields(named: first, and: &cursor) }
    }

    /// Apart, for few messages come so far: the set is large.
    @inline(never)
    private mutating func markFields(named first: Range<Int>, and cursor: inout OptionCursor) {
        var options = ConnectionOptions()
        options.insert(first, in: storage.span)
        while let option = nextOption(&cursor) { options.insert(option, in: storage.span) }
        for index in fields.indices where !fields[index].known.isProtected {
            if options.contain(bytes(fields[index].name), in: storage.span) { fields[index].name = .empty }
        }
    }

    /// Where the reading of the options of `Connection` stands.
    private struct OptionCursor {
        let lengths: UInt64
        /// In `fields`, and in the value there.
        var line = -1
        var offset = 0
        var end = 0
    }

    /// The next one that may name a field.
    private func nextOption(_ cursor: inout OptionCursor) -> Range<Int>? {
        while true {
            while let option = ListItems.next(storage.span, &cursor.offset, cursor.end) {
                if cursor.lengths & (1 << UInt64(min(option.count, 63))) != 0 { return option }
            }
            repeat {
                cursor.line += 1
                guard cursor.line < fields.count else { return nil }
            } while fields[cursor.line].known != .connection
            cursor.offset = fields[cursor.line].value.bounds.lowerBound
            cursor.end = fields[cursor.line].value.bounds.upperBound
        }
    }

    /// Drops what only Heddle may say: `x-heddle-*` and `x-forwarded-client-cert`. And what a workload may take for that, or
    /// for a field of a trusted proxy, because its names are variables in which `-` and `_` are one (RFC 3875 § 4.1.18).
    package mutating func removeHeddleFields() {
        guard names & KnownField.heddleBits != 0 else { return }
        removeGuarded { $0 == .heddle || $0 == .alias }
        names &= ~KnownField.heddleBits
    }

    /// Drops what says where a call came from: for whom nobody vouches. `docs/reference/http1.md` lists it.
    package mutating func removeOriginFields() {
        guard names & KnownField.originBits != 0 else { return }
        removeGuarded { $0 == .origin }
        names &= ~KnownField.originBits
    }

    private mutating func removeGuarded(_ isUnwanted: (GuardedField) -> Bool) {
        var kept = 0
        for index in fields.indices where !isUnwanted(GuardedField(fields[index].known, bytes(fields[index].name))) {
            if kept != index { fields[kept] = fields[index] }
            kept += 1
        }
        fields.removeLast(fields.count - kept)
    }
}

extension KnownField {
    /// This name's bit in `MessageHead.names`.
    @inlinable @inline(__always)
    var bit: UInt64 { 1 << UInt64(rawValue) }

    /// The bits of what `isHopByHop`.
    static var hopByHopBits: UInt64 {
        connection.bit | keepAlive.bit | proxyConnection.bit | proxyAuthenticate.bit | proxyAuthorization.bit | te.bit
            | transferEncoding.bit | upgrade.bit | http2Settings.bit
    }

    /// The bits of what only Heddle may say.
    static var heddleBits: UInt64 {
        forwardedClientCert.bit | heddleCaller.bit | heddleReason.bit | heddleHops.bit | heddleCopy.bit
            | otherHeddleBit
    }

    /// The bits of what says where a call came from.
    static var originBits: UInt64 { forwardedFor.bit | forwardedHost.bit | forwardedProto.bit | otherOriginBit }

    /// Set by other names of these kinds; no known one is so high.
    static var otherHeddleBit: UInt64 { 1 << 62 }
    static var otherOriginBit: UInt64 { 1 << 63 }

    /// Means something to the next hop only (RFC 9110 § 7.6.1), or is an HTTP/1.0 proxy's idea of that.
    @inlinable
    public var isHopByHop: Bool {
        switch self {
        case .connection, .keepAlive, .proxyConnection, .proxyAuthenticate, .proxyAuthorization, .te, .transferEncoding,
            .upgrade, .http2Settings:
            true
        case .other, .host, .contentLength, .trailer, .expect, .date, .server, .via, .cookie, .authorization,
            .contentType,
            .location, .forwardedFor, .forwardedProto, .forwardedHost, .forwardedClientCert, .requestID, .traceparent,
            .traceState, .grpcTimeout, .grpcStatus, .maxForwards, .heddleCaller, .heddleReason, .heddleHops,
            .heddleCopy:
            false
        }
    }

    /// Not dropped for being named by `Connection` (Traefik CVE-2024-45410): whoever receives it relies on it.
    var isProtected: Bool { self != .other }
}

/// The items of a list field (RFC 9110 § 5.6.1) of tokens.
package enum ListItems {
    /// The next item that is not empty, without white space around it; `nil` at the end.
    package static func next(_ bytes: Span<UInt8>, _ cursor: inout Int, _ end: Int) -> Range<Int>? {
        while cursor < end {
            let byte = bytes[cursor]
            guard byte == UInt8(ascii: ",") || isWhiteSpace(byte) else { break }
            cursor += 1
        }
        guard cursor < end else { return nil }
        let start = cursor
        while cursor < end, bytes[cursor] != UInt8(ascii: ",") { cursor += 1 }
        var itemEnd = cursor
        while isWhiteSpace(bytes[itemEnd - 1]) { itemEnd -= 1 }
        return start..<itemEnd
    }

    private static func isWhiteSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}

extension [UInt8] {
    /// Appends a number in decimal.
    package mutating func append(decimal value: UInt64) {
        var divisor: UInt64 = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(0x30 + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }
}
