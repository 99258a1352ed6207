extension MessageHead {
    /// A field of this name is there.
    package func hasField(_ known: KnownField) -> Bool {
        for index in fields.indices where fields[index].known == known { return true }
        return false
    }

    /// Where the first field of this name has its value.
    package func value(of known: KnownField) -> ByteRange? {
        for index in fields.indices where fields[index].known == known { return fields[index].value }
        return nil
    }
    package mutating func addField(_ known: KnownField, value: Span<UInt8>) { fatalError() }
    /// The name is brought to lower case.
    package mutating func addField(name: Span<UInt8>, value: Span<UInt8>) { fatalError() }
    /// One field of this name, with this value, in the place of any there are.
    package mutating func setField(_ known: KnownField, to value: Span<UInt8>) { fatalError() }
    package mutating func removeField(_ known: KnownField) { fatalError() }
    /// Adds an item to a list field (RFC 9110 § 5.6.1): several lines of it become one.
    package mutating func appendToList(_ known: KnownField, _ item: Span<UInt8>) { fatalError() }
    /// Sets a field to the host (and the port where the request names one).
    package mutating func copyHost(to known: KnownField) { fatalError() }
    /// Drops what is meant for this hop alone (RFC 9110 § 7.6.1).
    package mutating func removeHopByHopFields() { fatalError() }
    /// Drops `x-heddle-*` and `x-forwarded-client-cert`.
    package mutating func removeHeddleFields() { fatalError() }
    /// RFC 9110 § 9.2.2.
    package var isIdempotent: Bool { fatalError() }

    /// Takes bytes of the head's own storage as a request's host: brings them to canonical form.
    package mutating func setHost(canonicalizing range: ByteRange) throws(MalformedRequest) { fatalError() }
    /// Takes bytes of the head's own storage as path and, after `?`, query.
    package mutating func setPath(canonicalizing range: ByteRange) throws(MalformedRequest) { fatalError() }
}
