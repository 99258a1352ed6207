import HTTPSemantics

/// Which fields a trailer section may have (RFC 9110 § 6.5.1).
enum TrailerFields {
    /// Drops fields that frame, route, authenticate or qualify a message, and those that Heddle answers for: a recipient
    /// that merges trailers into the head would believe them.
    /// - Parameter keepsReason: Who sent them may say why the message ends: `x-heddle-reason` stays.
    static func removeForbidden(_ trailers: inout MessageHead, keepsReason: Bool = false) {
        for index in (0..<trailers.fieldCount).reversed() where isForbidden(trailers.fields[index], trailers) {
            if keepsReason, trailers.fields[index].known == .heddleReason { continue }
            trailers.removeField(at: index)
        }
    }

    private static func isForbidden(_ field: MessageHead.Field, _ trailers: borrowing MessageHead) -> Bool {
        switch field.known {
        case .date, .server, .via, .location, .grpcStatus: return false
        case .other: break
        default: return true
        }
        let name = trailers.bytes(field.name)
        guard case .none = GuardedField(name) else { return true }
        return isAny(of: prefixes, name, wholeName: false) || isAny(of: names, name, wholeName: true)
    }

    private static func isAny(of list: StaticString, _ name: Span<UInt8>, wholeName: Bool) -> Bool {
        let list = list.bytes
        var cursor = 0
        while let item = ListItems.next(list, &cursor, list.count) {
            guard wholeName ? item.count == name.count : item.count <= name.count else { continue }
            if ASCII.equal(name.extracting(0..<item.count), list.extracting(item)) { return true }
        }
        return false
    }

    private static let prefixes: StaticString = "content-,if-,proxy-,sec-"
    private static let names: StaticString = """
        age,cache-control,expires,origin,pragma,range,referer,retry-after,set-cookie,vary,warning,\
        www-authenticate
        """
}
