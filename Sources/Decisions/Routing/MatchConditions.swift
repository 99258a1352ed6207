import HTTPSemantics
import Manifests

/// What matches ask of a request besides host and path: method, header fields and query parameters. One list for all
/// matches of a table, one buffer for all their text.
struct MatchConditions: Sendable {
    struct NameValueCondition: Sendable {
        /// In `text`.
        let name: ByteRange
        /// In `text`.
        let value: ByteRange
        /// For header fields.
        let known: KnownField
    }

    struct Match: Sendable {
        /// The rule's `id`.
        let rule: Int32
        /// In `text`; empty: any.
        let method: ByteRange
        /// In `fields`.
        let headers: Range<Int32>
        /// In `fields`.
        let queryParams: Range<Int32>
        /// In `methodConditions`.
        let methodCondition: Int32?
    }

    /// Why a match does not hold.
    enum Mismatch: Hashable {
        case method
        /// Where the condition stands in `fields`.
        case header(Int)
        case queryParam(Int)
        case grpcMethod
    }

    private(set) var matches: [Match] = []
    private(set) var fields: [NameValueCondition] = []
    private(set) var methodConditions: [MethodCondition] = []
    private(set) var text: [UInt8] = []

    mutating func append(
        method: String?, headers: [NameValue], queryParams: [NameValue], methodCondition: MethodCondition? = nil,
        rule: Int32
    ) -> Int32 {
        let method = append(method ?? "")
        let headersStart = Int32(fields.count)
        for header in headers {
            let name = header.name.lowercased()
            fields.append(
                NameValueCondition(
                    name: append(name), value: append(header.value), known: KnownField(Array(name.utf8).span)))
        }
        let queryStart = Int32(fields.count)
        for parameter in queryParams {
            fields.append(
                NameValueCondition(name: append(parameter.name), value: append(parameter.value), known: .other))
        }
        matches.append(
            Match(
                rule: rule, method: method, headers: headersStart..<queryStart,
                queryParams: queryStart..<Int32(fields.count),
                methodCondition: methodCondition.map { _ in Int32(methodConditions.count) }))
        if let methodCondition { methodConditions.append(methodCondition) }
        return Int32(matches.count - 1)
    }

    private mutating func append(_ string: String) -> ByteRange {
        let start = text.count
        text.append(contentsOf: string.utf8)
        return ByteRange(offset: start, count: text.count - start)
    }

    /// - Returns: The first condition that does not hold; `nil`: the match holds.
    func mismatch(_ index: Int32, _ head: borrowing MessageHead) -> Mismatch? {
        let match = matches[Int(index)]
        let text = text.span
        if !match.method.isEmpty {
            guard ASCII.equal(head.bytes(head.method), text.extracting(match.method.bounds)) else { return .method }
        }
        if let condition = match.methodCondition {
            guard methodConditions[Int(condition)].holds(head.bytes(head.path)) else { return .grpcMethod }
        }
        for condition in match.headers where !holdsHeader(fields[Int(condition)], head) {
            return .header(Int(condition))
        }
        for condition in match.queryParams {
            let field = fields[Int(condition)]
            guard
                head.hasQuery,
                QueryParameters.first(
                    text.extracting(field.name.bounds), is: text.extracting(field.value.bounds),
                    in: head.bytes(head.query))
            else { return .queryParam(Int(condition)) }
        }
        return nil
    }

    /// One line of the field has the value. Lines are never joined: what a list of values would match must not depend on
    /// how its sender broke it into lines, and policies match per value as well.
    private func holdsHeader(_ condition: NameValueCondition, _ head: borrowing MessageHead) -> Bool {
        let name = text.span.extracting(condition.name.bounds)
        let value = text.span.extracting(condition.value.bounds)
        var start = 0
        while let index = head.firstField(name: name, known: condition.known, from: start) {
            if ASCII.equal(head.bytes(head.fields[index].value), value) { return true }
            start = index + 1
        }
        return false
    }
}

/// Query parameters as Gateway API compares them: `name=value` pairs between `&`, percent-decoded, case-sensitive; of
/// several with one name the first counts. `+` stands for itself. A pair without `=` has an empty value.
enum QueryParameters {
    static func first(_ name: Span<UInt8>, is value: Span<UInt8>, in query: Span<UInt8>) -> Bool {
        var position = 0
        while let parameter = next(in: query, from: &position) {
            if decodesTo(name, query, parameter.name) { return decodesTo(value, query, parameter.value) }
        }
        return false
    }

    /// Where the next pair stands.
    static func next(in query: Span<UInt8>, from position: inout Int) -> (name: Range<Int>, value: Range<Int>)? {
        guard position < query.count else { return nil }
        let start = position
        var end = start
        while end < query.count, query[end] != UInt8(ascii: "&") { end += 1 }
        position = end + 1
        var equals = start
        while equals < end, query[equals] != UInt8(ascii: "=") { equals += 1 }
        return (start..<equals, min(equals + 1, end)..<end)
    }

    /// The next decoded byte of a range that is not at its end. A `%` that no two digits follow stands for itself.
    static func nextDecoded(_ bytes: Span<UInt8>, _ range: inout Range<Int>) -> UInt8 {
        let start = range.lowerBound
        if bytes[start] == UInt8(ascii: "%"), range.count >= 3,
            let high = ASCII.hexValue(bytes[start + 1]), let low = ASCII.hexValue(bytes[start + 2])
        {
            range = (start + 3)..<range.upperBound
            return high << 4 | low
        }
        range = (start + 1)..<range.upperBound
        return bytes[start]
    }

    private static func decodesTo(_ expected: Span<UInt8>, _ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var rest = range
        for index in expected.indices {
            guard !rest.isEmpty, nextDecoded(bytes, &rest) == expected[index] else { return false }
        }
        return rest.isEmpty
    }
}
