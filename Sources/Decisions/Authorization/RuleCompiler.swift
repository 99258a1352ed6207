import Diagnostics
import Manifests

/// From policies as they are written to clauses, items, predicates and value sets.
struct RuleCompiler {
    private(set) var values = ValueSets()
    private(set) var predicates: [Predicate] = []
    private(set) var origins: [PredicateOrigin] = []
    private(set) var positions: [SourcePosition] = []
    private(set) var items: [TableRange] = []
    private(set) var clauses: [Clause] = []
    private(set) var rules: [CompiledRule] = []
    private(set) var headerNames: [TableRange] = []
    private(set) var keys = ClauseKeys()
    private var headerIndices: [String: UInt32] = [:]

    init(_ policies: [AuthorizationPolicy]) {
        for (index, policy) in policies.enumerated() {
            for (ruleIndex, rule) in policy.rules.enumerated() {
                add(rule, of: Int32(index), ruleIndex: Int32(ruleIndex), policy)
            }
        }
    }

    private mutating func add(
        _ rule: PolicyRule, of index: Int32, ruleIndex: Int32, _ policy: AuthorizationPolicy
    ) {
        // Where readings differ, AUDIT has that of DENY.
        let action: PolicyAction = policy.action == .audit ? .deny : policy.action
        let firstSource = items.count
        for source in rule.from { add(source, action) }
        let firstOperation = items.count
        for operation in rule.to { add(operation, action) }
        let conditions = addConditions(rule.when, action)

        let sources = TableRange(firstSource, rule.from.count)
        let operations = TableRange(firstOperation, rule.to.count)
        let firstClause = clauses.count
        let splitsSources = rule.from.count > rule.to.count
        for index in 0..<max(1, rule.from.count, rule.to.count) {
            // The longer list is split, the shorter one stays whole: as many clauses as items, never their product.
            let from = splitsSources ? rule.from[index...index] : rule.from[...]
            let to = splitsSources || rule.to.isEmpty ? rule.to[...] : rule.to[index...index]
            clauses.append(
                Clause(
                    sources: splitsSources ? TableRange(firstSource + index, 1) : sources,
                    operations: splitsSources || rule.to.isEmpty ? operations : TableRange(firstOperation + index, 1),
                    conditions: conditions, rule: Int32(rules.count), isDeny: action == .deny,
                    isObserved: !policy.isEnforced))
            addKeys(from: from, to: to, when: rule.when, action)
        }
        rules.append(
            CompiledRule(
                policy: index, index: ruleIndex, clauses: TableRange(firstClause, clauses.count - firstClause)))
    }

    // MARK: Items

    private mutating func add(_ source: PolicySource, _ action: PolicyAction) {
        let start = predicates.count
        add(source.serviceAccounts.map { .exact($0.description) }, .serviceAccount, .from)
        add(Self.principalPatterns(source.principals, action), .principal, .from)
        add(source.namespaces, .namespace, .from)
        add(source.trustDomains, .trustDomain, .from)
        add(source.requestPrincipals, .requestPrincipal, .from)
        add(source.ipBlocks, .peerAddress, .from)
        add(source.remoteIpBlocks, .remoteAddress, .from)
        items.append(TableRange(start, predicates.count - start))
    }

    private mutating func add(_ operation: PolicyOperation, _ action: PolicyAction) {
        let start = predicates.count
        add(operation.methods, .method, .to)
        if !operation.paths.isEmpty {
            let position = operation.paths.firstPosition
            // Where the two readings of `{**}` differ, the one that lets fewer calls pass (decision 0012).
            let wanted = values.addPaths(operation.paths.values, rest: action == .deny ? .anything : .slash)
            let unwanted = values.addPaths(operation.paths.notValues, rest: action == .deny ? .slash : .anything)
            append(.path, values: wanted, notValues: unwanted, .to, position)
        }
        add(operation.hosts.map(Self.lowercased), .host, .to)
        add(operation.ports, .destinationPort, .to)
        items.append(TableRange(start, predicates.count - start))
    }

    private mutating func addConditions(_ conditions: [PolicyCondition], _ action: PolicyAction) -> TableRange {
        let start = predicates.count
        for condition in conditions {
            switch condition.key {
            case .requestHeader(let name) where Self.isHost(name):
                add(condition.strings.map(Self.lowercased), .host, .when)
            case .requestHeader(let name):
                add(condition.strings, .header, .when, headerName: headerIndex(name))
            case .sourceNamespace: add(condition.strings, .namespace, .when)
            case .sourcePrincipal: add(Self.principalPatterns(condition.strings, action), .principal, .when)
            case .connectionSNI: add(condition.strings.map(Self.lowercased), .serverName, .when)
            case .sourceIP: add(condition.blocks, .peerAddress, .when)
            case .destinationIP: add(condition.blocks, .destinationAddress, .when)
            case .destinationPort: add(condition.ports, .destinationPort, .when)
            }
        }
        return TableRange(start, predicates.count - start)
    }

    private mutating func add(
        _ match: ValueMatch<StringPattern>, _ attribute: Attribute, _ part: PredicateOrigin.Part, headerName: UInt32 = 0
    ) {
        guard !match.isEmpty else { return }
        let wanted = values.addStrings(match.values.map(\.value), isMethods: attribute == .method)
        let unwanted = values.addStrings(match.notValues.map(\.value), isMethods: attribute == .method)
        append(
            attribute, headerName: headerName, values: wanted, notValues: unwanted, part, match.firstPosition)
    }

    private mutating func add(
        _ match: ValueMatch<AddressBlock>, _ attribute: Attribute, _ part: PredicateOrigin.Part
    ) {
        guard !match.isEmpty else { return }
        let wanted = values.addAddresses(match.values)
        append(attribute, values: wanted, notValues: values.addAddresses(match.notValues), part, match.firstPosition)
    }

    private mutating func add(_ match: ValueMatch<UInt16>, _ attribute: Attribute, _ part: PredicateOrigin.Part) {
        guard !match.isEmpty else { return }
        let wanted = values.addPorts(match.values)
        append(attribute, values: wanted, notValues: values.addPorts(match.notValues), part, match.firstPosition)
    }

    private mutating func append(
        _ attribute: Attribute, headerName: UInt32 = 0, values: SetIndex, notValues: SetIndex,
        _ part: PredicateOrigin.Part,
        _ position: SourcePosition?
    ) {
        predicates.append(
            Predicate(attribute: attribute, headerName: headerName, values: values, notValues: notValues))
        origins.append(PredicateOrigin(part: part, position: Int32(positions.count)))
        if let position { positions.append(position) }
    }

    private mutating func headerIndex(_ name: String) -> UInt32 {
        if let index = headerIndices[name] { return index }
        let index = UInt32(headerNames.count)
        headerNames.append(values.addBytes(name.utf8))
        headerIndices[name] = index
        return index
    }

    // MARK: Index keys

    private mutating func addKeys(
        from: ArraySlice<PolicySource>, to: ArraySlice<PolicyOperation>, when: [PolicyCondition], _ action: PolicyAction
    ) {
        keys.beginClause()
        keys.add(.caller, callerKeys(from, when, action))
        keys.add(.path, union(of: to) { pathKeys($0.paths.values) })
        keys.add(.host, union(of: to) { Self.keys($0.hosts.map(Self.lowercased).values, .host) })
        keys.add(.method, union(of: to) { Self.keys($0.methods.values, .method) })
        for condition in when {
            switch condition.key {
            case .requestHeader(let name) where Self.isHost(name):
                keys.add(.host, Self.keys(condition.strings.map(Self.lowercased).values, .host))
            case .requestHeader(let name):
                let index = headerIndex(name)
                keys.add(.header(index), Self.keys(condition.strings.values, .header, headerName: index))
            case .connectionSNI:
                keys.add(.serverName, Self.keys(condition.strings.map(Self.lowercased).values, .serverName))
            case .sourceNamespace, .sourcePrincipal, .sourceIP, .destinationIP, .destinationPort: break
            }
        }
    }

    /// - Returns: `nil` if an item asks for nothing that an index can look up, or if there are no items.
    private func union<Item>(of items: ArraySlice<Item>, _ keys: (Item) -> [IndexKey]?) -> [IndexKey]? {
        guard !items.isEmpty else { return nil }
        var all: [IndexKey] = []
        for item in items {
            guard let some = keys(item) else { return nil }
            all.append(contentsOf: some)
        }
        return all
    }

    private func callerKeys(
        _ from: ArraySlice<PolicySource>, _ when: [PolicyCondition], _ action: PolicyAction
    ) -> [IndexKey]? {
        let sourceKeys = union(of: from) { source in
            Self.keys(source.serviceAccounts.map { .exact($0.description) }.values, .serviceAccount)
                ?? Self.keys(Self.principalPatterns(source.principals, action).values, .principal)
                ?? Self.keys(source.namespaces.values, .namespace)
                ?? Self.keys(source.trustDomains.values, .trustDomain)
        }
        if let sourceKeys { return sourceKeys }
        for condition in when where condition.key == .sourcePrincipal {
            if let keys = Self.keys(Self.principalPatterns(condition.strings, action).values, .principal) {
                return keys
            }
        }
        for condition in when where condition.key == .sourceNamespace {
            if let keys = Self.keys(condition.strings.values, .namespace) { return keys }
        }
        return nil
    }

    private func pathKeys(_ values: [Located<PathPattern>]) -> [IndexKey]? {
        guard !values.isEmpty else { return nil }
        var keys: [IndexKey] = []
        keys.reserveCapacity(values.count)
        for value in values {
            let pattern: StringPattern =
                switch value.value {
                case .string(let pattern): pattern
                case .template(let segments, let matchesRest): Self.literalPart(of: segments, matchesRest)
                }
            guard let key = IndexKey(pattern, .path) else { return nil }
            keys.append(key)
        }
        return keys
    }

    /// What every path that fits the template begins or ends with, whichever is longer.
    private static func literalPart(of segments: [PathPattern.Segment], _ matchesRest: Bool) -> StringPattern {
        var head = ""
        var tail = ""
        var isWholeLiteral = true
        for segment in segments {
            switch segment {
            case .literal(let text):
                if isWholeLiteral { head += "/\(text)" }
                tail += "/\(text)"
            case .any:
                if isWholeLiteral { head += "/" }
                isWholeLiteral = false
                tail = ""
            }
        }
        if matchesRest { return head.isEmpty ? .prefix("/") : .prefix(head) }
        if isWholeLiteral { return .exact(head) }
        return tail.utf8.count > head.utf8.count ? .suffix(tail) : .prefix(head)
    }

    private static func keys(
        _ values: [Located<StringPattern>], _ attribute: Attribute, headerName: UInt32 = 0
    ) -> [IndexKey]? {
        guard !values.isEmpty else { return nil }
        var keys: [IndexKey] = []
        keys.reserveCapacity(values.count)
        for value in values {
            guard let key = IndexKey(value.value, attribute, headerName: headerName) else { return nil }
            keys.append(key)
        }
        return keys
    }

    // MARK: Normal forms

    /// `host` and `:authority` are the canonical host, not a field line that happens to have that name.
    static func isHost(_ headerName: String) -> Bool { headerName == "host" || headerName == ":authority" }

    /// Istio writes principals without their scheme, SPIFFE with it: both name the same identity. `s*` could be either
    /// the scheme's beginning or a trust domain's; it is read as what lets fewer calls pass.
    private static func principalPatterns(
        _ principals: ValueMatch<StringPattern>, _ action: PolicyAction
    ) -> ValueMatch<StringPattern> {
        guard !principals.isEmpty else { return principals }
        func canonical(_ values: [Located<StringPattern>], excludes: Bool) -> [Located<StringPattern>] {
            values.map { Located(canonicalPrincipal($0.value, excludes: excludes), at: $0.position) }
        }
        return ValueMatch(
            values: canonical(principals.values, excludes: action == .deny),
            notValues: canonical(principals.notValues, excludes: action == .allow))
    }

    static func canonicalPrincipal(_ pattern: StringPattern, excludes: Bool) -> StringPattern {
        let scheme = "spiffe://"
        return switch pattern {
        case .exact(let text) where !text.hasPrefix(scheme): .exact(scheme + text)
        case .prefix(let text) where excludes && scheme.hasPrefix(text): .prefix(text)
        case .prefix(let text) where !text.hasPrefix(scheme): .prefix(scheme + text)
        case .exact, .prefix, .suffix, .present: pattern
        }
    }

    /// Hosts are compared in lower case.
    static func lowercased(_ pattern: StringPattern) -> StringPattern {
        switch pattern {
        case .exact(let text): .exact(text.lowercased())
        case .prefix(let text): .prefix(text.lowercased())
        case .suffix(let text): .suffix(text.lowercased())
        case .present: .present
        }
    }
}

extension IndexKey {
    /// - Returns: `nil` for a pattern that leads nowhere in particular.
    init?(_ pattern: StringPattern, _ attribute: Attribute, headerName: UInt32 = 0) {
        let text: String
        let kind: Kind
        switch pattern {
        case .exact(let exact): (text, kind) = (exact, .exact)
        case .prefix(let prefix) where !prefix.isEmpty: (text, kind) = (prefix, .prefix)
        case .suffix(let suffix) where !suffix.isEmpty: (text, kind) = (suffix, .suffix)
        case .prefix, .suffix, .present: return nil
        }
        let hash = kind == .suffix ? RollingHash.of(text.utf8.reversed()) : RollingHash.of(text.utf8)
        self.init(
            attribute: attribute, headerName: headerName, kind: kind, length: UInt32(text.utf8.count),
            hash: Self.hash(hash, attribute, headerName, kind))
    }
}

extension ValueMatch {
    func map<Other>(_ transform: (Pattern) -> Other) -> ValueMatch<Other> {
        ValueMatch<Other>(
            values: values.map { Located<Other>(transform($0.value), at: $0.position) },
            notValues: notValues.map { Located<Other>(transform($0.value), at: $0.position) })
    }

    var firstPosition: SourcePosition? { values.first?.position ?? notValues.first?.position }
}
