package import HTTPSemantics
import RegularExpressions

/// What was found of one match of a rule, for people.
package struct RouteExplanation: Sendable {
    package let rule: RouteRule
    /// This one decides; at most one does.
    package let isChosen: Bool
    /// What the match asks for and how that went: `path prefix "/shop", header "x-user: ann": matches`.
    package let reason: String
}

extension RouteTable {
    /// Every match whose host and path fit a request, in precedence, with why it is or is not the one; then the rules none
    /// of whose matches does, 100 at most. Walks the same index as `match`, and allocates.
    package func explainMatch(_ head: borrowing MessageHead) -> [RouteExplanation] {
        var explanations: [RouteExplanation] = []
        var seen = Set<Int>()
        var hasChosen = false
        if let hostRoot = listeners.isEmpty
            ? hostRoots[0] : listener(forHost: head.bytes(head.host)).map({ hostRoots[$0] })
        {
            var matches = hosts.matches(head.bytes(head.host), under: hostRoot)
            while let pathRoot = hosts.next(&matches) {
                for found in paths.all(under: pathRoot, path: head.bytes(head.path)) {
                    let match = conditions.matches[Int(found.match)]
                    seen.insert(Int(match.rule))
                    let mismatch = conditions.mismatch(found.match, head)
                    let isChosen = mismatch == nil && !hasChosen
                    let verdict =
                        mismatch.map { conditions.describe($0, of: match) }
                        ?? (hasChosen ? "matches too, but comes later in precedence" : "matches")
                    hasChosen = hasChosen || isChosen
                    explanations.append(
                        RouteExplanation(
                            rule: rules[Int(match.rule)], isChosen: isChosen,
                            reason: describe(found, match, head) + ": " + verdict))
                }
            }
        }
        for rule in rules.lazy.filter({ !seen.contains($0.id) }).prefix(100) {
            explanations.append(
                RouteExplanation(rule: rule, isChosen: false, reason: "host or path does not match"))
        }
        return explanations
    }

    private func describe(
        _ found: PathIndex.Found, _ match: MatchConditions.Match, _ head: borrowing MessageHead
    ) -> String {
        let path = head.text(ByteRange(offset: Int(head.path.offset), count: found.prefixByteCount))
        let method = match.methodCondition.map { conditions.methodConditions[Int($0)] }
        var parts: [String] = []
        if found.isExact {
            parts.append("path \"\(path)\"")
        } else if method == nil || !path.isEmpty {
            parts.append("path prefix \"\(path.isEmpty ? "/" : path)\"")
        }
        if let method {
            parts += [method.service.description("gRPC service"), method.method.description("gRPC method")].compactMap(
                \.self)
        }
        if !match.method.isEmpty { parts.append("method \(conditions.string(match.method))") }
        for index in match.headers { parts.append("header \(conditions.describe(pair: Int(index)))") }
        for index in match.queryParams { parts.append("query parameter \(conditions.describe(pair: Int(index)))") }
        return parts.joined(separator: ", ")
    }
}

extension RouteExplanation {
    /// Of a listener whose connections all go one way.
    package init(everyConnectionBy rule: RouteRule) {
        self.init(rule: rule, isChosen: true, reason: "every connection: matches")
    }
}

extension TLSRouteTable {
    /// The rule that a connection belongs to, for people; `nil` if none does.
    /// - Parameter serverName: As for `match`.
    package func explainMatch(serverName: Span<UInt8>) -> RouteExplanation? {
        match(serverName: serverName).map { found in
            RouteExplanation(
                rule: found.rule, isChosen: true,
                reason: "SNI at listener \"\(listeners[found.listener].name)\": matches")
        }
    }
}

extension MatchConditions {
    fileprivate func string(_ range: ByteRange) -> String { String(decoding: text[range.bounds], as: UTF8.self) }

    fileprivate func describe(pair index: Int) -> String {
        "\"\(string(fields[index].name)): \(string(fields[index].value))\""
    }

    fileprivate func describe(_ mismatch: Mismatch, of match: Match) -> String {
        switch mismatch {
        case .method: "the method is another"
        case .header(let index): "no header \(describe(pair: index))"
        case .queryParam(let index): "no query parameter \(describe(pair: index))"
        case .grpcMethod: "the path is not that of such a gRPC method"
        }
    }
}

extension MethodCondition.Name {
    /// `gRPC method "GetOrder"`; `nil` for any.
    fileprivate func description(_ what: String) -> String? {
        switch self {
        case .any: nil
        case .exact(let name): "\(what) \"\(String(decoding: name, as: UTF8.self))\""
        case .expression(let expression): "\(what) matching \"\(expression.text)\""
        }
    }
}
