import CommonValues
import HTTPSemantics
import Manifests

/// Judging one clause. `decide` asks this of the clauses that the index finds, `explain` of all: there is no other
/// reading of a rule.
extension AuthorizationProgram {
    /// What `evaluate` returns for a clause that holds.
    static var holds: Int32 { -1 }

    /// - Returns: `holds`, or the index of a predicate that the call does not fit: the first of the last item tried.
    func evaluate(_ clause: Clause, _ head: borrowing MessageHead, _ call: borrowing CallFacts) -> Int32 {
        let source = evaluate(anyOf: clause.sources, isDeny: clause.isDeny, head, call)
        if source != Self.holds { return source }
        let operation = evaluate(anyOf: clause.operations, isDeny: clause.isDeny, head, call)
        if operation != Self.holds { return operation }
        return evaluate(allOf: clause.conditions, isDeny: clause.isDeny, head, call)
    }

    /// Whether a rule could let this caller in, whatever else there is of its call: `false` means that none ever does.
    package func mightAllow(_ caller: Caller) -> Bool {
        guard defaultAction == .deny else { return true }
        let facts = CallFacts(caller: caller, peerAddress: .unspecified)
        return clauses.contains { clause in
            guard !clause.isDeny, !clause.isObserved, couldHold(allOf: clause.conditions, facts) else { return false }
            return clause.sources.isEmpty || clause.sources.indices.contains { couldHold(allOf: items[$0], facts) }
        }
    }

    /// What is asked of the caller's identity holds.
    private func couldHold(allOf range: TableRange, _ call: borrowing CallFacts) -> Bool {
        let head = MessageHead(byteCapacity: 0, fieldCapacity: 0)
        for index in range.indices {
            switch predicates[index].attribute {
            case .principal, .trustDomain, .namespace, .serviceAccount:
                if !holds(predicates[index], isDeny: false, head, call) { return false }
            case .requestPrincipal, .peerAddress, .remoteAddress, .destinationAddress, .destinationPort, .serverName,
                .host, .method, .path, .header:
                break
            }
        }
        return true
    }

    private func evaluate(
        anyOf range: TableRange, isDeny: Bool, _ head: borrowing MessageHead, _ call: borrowing CallFacts
    ) -> Int32 {
        var outcome = Self.holds
        for item in range.indices {
            outcome = evaluate(allOf: items[item], isDeny: isDeny, head, call)
            if outcome == Self.holds { return outcome }
        }
        return outcome
    }

    private func evaluate(
        allOf range: TableRange, isDeny: Bool, _ head: borrowing MessageHead, _ call: borrowing CallFacts
    ) -> Int32 {
        for index in range.indices where !holds(predicates[index], isDeny: isDeny, head, call) {
            return Int32(truncatingIfNeeded: index)
        }
        return Self.holds
    }

    private func holds(
        _ predicate: Predicate, isDeny: Bool, _ head: borrowing MessageHead, _ call: borrowing CallFacts
    ) -> Bool {
        // What a TCP connection cannot show neither opens a door nor keeps one from being shut.
        if call.callProtocol == .tcp, predicate.attribute.isOfHTTP { return isDeny }
        switch predicate.attribute {
        case .principal:
            guard let caller = call.caller else { return predicate.holdsIfAbsent }
            let value = caller.principal
            return holds(predicate, value.span)
        case .trustDomain:
            guard let caller = call.caller else { return predicate.holdsIfAbsent }
            let value = caller.trustDomain
            return holds(predicate, value.span)
        case .namespace:
            guard let caller = call.caller, !caller.namespace.isEmpty else { return predicate.holdsIfAbsent }
            let value = caller.namespace
            return holds(predicate, value.span)
        case .serviceAccount:
            guard let caller = call.caller, !caller.serviceAccount.isEmpty else { return predicate.holdsIfAbsent }
            let value = caller.serviceAccount
            return holds(predicate, value.span)
        case .requestPrincipal: return predicate.holdsIfAbsent
        case .peerAddress: return holds(predicate, call.peerAddress)
        case .remoteAddress: return call.isRemoteAddressUnreadable ? isDeny : holds(predicate, call.remoteAddress)
        case .destinationAddress: return holds(predicate, call.destinationAddress)
        case .destinationPort:
            let port = call.destinationPort
            guard port != 0 else { return predicate.holdsIfAbsent }
            if let wanted = predicate.values.index, !ports(wanted, contain: port) { return false }
            if let unwanted = predicate.notValues.index, ports(unwanted, contain: port) { return false }
            return true
        case .serverName:
            guard !call.serverNameIndication.isEmpty else { return predicate.holdsIfAbsent }
            return holds(predicate, call.serverNameIndication.span)
        case .host: return holds(predicate, head.bytes(head.host))
        case .method:
            let method = head.bytes(head.method)
            let known: UInt16 = head.knownMethod == .other ? 0 : 1 << UInt16(head.knownMethod.rawValue)
            if let wanted = predicate.values.index, !methods(wanted, contain: method, known: known) { return false }
            if let unwanted = predicate.notValues.index, methods(unwanted, contain: method, known: known) {
                return false
            }
            return true
        case .path:
            let path = head.bytes(head.path)
            if let wanted = predicate.values.index, !paths(wanted, contain: path) { return false }
            if let unwanted = predicate.notValues.index, paths(unwanted, contain: path) { return false }
            return true
        case .header: return headerHolds(predicate, isDeny: isDeny, head)
        }
    }

    private func holds(_ predicate: Predicate, _ value: Span<UInt8>) -> Bool {
        if let wanted = predicate.values.index, !strings(wanted, contain: value) { return false }
        if let unwanted = predicate.notValues.index, strings(unwanted, contain: value) { return false }
        return true
    }

    private func holds(_ predicate: Predicate, _ value: IPAddress) -> Bool {
        guard value != .unspecified else { return predicate.holdsIfAbsent }
        if let wanted = predicate.values.index, !addresses(wanted, contain: value) { return false }
        if let unwanted = predicate.notValues.index, addresses(unwanted, contain: value) { return false }
        return true
    }

    /// Each field line is one value: lines are never joined, and a line is never split at its commas.
    private func headerHolds(_ predicate: Predicate, isDeny: Bool, _ head: borrowing MessageHead) -> Bool {
        var isPresent = false
        for field in 0..<head.fieldCount where isHeader(predicate.headerName, field, head) {
            isPresent = true
            let isMatch = holds(predicate, head.bytes(head.fields[field].value))
            // DENY looks for one value that matches, ALLOW for one that does not.
            if isMatch == isDeny { return isDeny }
        }
        return isPresent ? !isDeny : predicate.holdsIfAbsent
    }

    /// Whether a field of the head has one of the names that this program's rules ask for.
    func isHeader(_ name: UInt32, _ field: Int, _ head: borrowing MessageHead) -> Bool {
        let expected = headerNames[Int(name)]
        let range = head.fields[field].name
        guard range.count == expected.count else { return false }
        let found = head.bytes(range)
        let start = Int(expected.start)
        for index in found.indices where found[index] != bytes[start &+ index] { return false }
        return true
    }
}

extension Predicate {
    /// What is not there is in no set: a field with values does not hold, one with only negated values does.
    var holdsIfAbsent: Bool { values.isNone }
}
