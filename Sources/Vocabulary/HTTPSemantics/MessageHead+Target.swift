extension MessageHead {
    /// Takes a method, whose bytes the caller has checked.
    package mutating func setMethod(_ bytes: Span<UInt8>) {
        knownMethod = KnownMethod(bytes)
        method = append(bytes)
    }

    /// Twice is as good as once (RFC 9110 § 9.2.2).
    package var isIdempotent: Bool { knownMethod.isIdempotent }

    /// Takes bytes of the head's own storage as the request's `host [":" port]`, as it came or after a rewrite: sets host,
    /// port and the `host` field.
    package mutating func setHost(canonicalizing range: ByteRange) throws(MalformedRequest) {
        (host, hostPort) = try CanonicalHost.canonicalize(range, in: &storage)
        for index in fields.indices where fields[index].known == .host { fields[index].value = host }
    }

    /// Adds the `host` field that a request without one has in canonical form.
    package mutating func addHostField() {
        let name = append(KnownField.host.name.bytes)
        appendField(Field(name: name, value: host, known: .host))
    }

    package mutating func setHost(canonicalizing bytes: Span<UInt8>) throws(MalformedRequest) {
        try setHost(canonicalizing: append(bytes))
    }

    /// Takes bytes of the head's own storage as the request's path and, after `?`, query, as they came or after a rewrite.
    package mutating func setPath(canonicalizing range: ByteRange) throws(MalformedRequest) {
        let parts = try CanonicalPath.canonicalize(range, in: &storage)
        path = parts.path
        query = parts.query
        hasQuery = parts.hasQuery
        hasEscapedSlash = parts.hasEscapedSlash
    }

    package mutating func setPath(canonicalizing bytes: Span<UInt8>) throws(MalformedRequest) {
        try setPath(canonicalizing: append(bytes))
    }

    /// Takes bytes of the head's own storage as the path after a rewrite; the query stays. No `?` may be in it unescaped:
    /// what follows one would be a second query.
    package mutating func replacePath(canonicalizing range: ByteRange) throws(MalformedRequest) {
        let parts = try CanonicalPath.canonicalize(range, in: &storage)
        guard !parts.hasQuery else { throw .invalidPathByte }
        path = parts.path
        hasEscapedSlash = parts.hasEscapedSlash
    }
}
