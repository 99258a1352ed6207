import Manifests

@testable import Authorization

/// A call as a person would write it down.
struct SampleCall: Hashable {
    var method = "GET"
    var host = "orders.shop"
    var path = "/orders/1"
    var headers: [[String]] = []
    var caller: String? = "spiffe://mesh.local/ns/shop/sa/web"
    var peerAddress: [UInt8]? = [10, 0, 0, 7]
    var remoteAddress: [UInt8]?
    /// A trusted proxy named a client, and nobody can read where it is.
    var isRemoteAddressUnreadable = false
    var destinationAddress: [UInt8]? = [127, 0, 0, 1]
    var destinationPort: UInt16 = 8080
    var serverName = ""
    var callProtocol = CallProtocol.http
}

/// policy.md read out loud: strings, lists and closures, no index, nothing shared with the program it is compared to.
struct NaiveReading {
    let policies: [AuthorizationPolicy]
    let defaultAction: DefaultAction

    /// Which rules match, policy by policy.
    func matches(_ call: SampleCall) -> [[Bool]] {
        policies.map { policy in
            // What AUDIT cannot see it tells of, as a DENY would deny it.
            policy.rules.map { Self.matches($0, policy.action == .audit ? .deny : policy.action, call) }
        }
    }

    /// DENY before ALLOW before the default action; the first rule that matches is the one named.
    /// - Parameter withShadow: As if all policies in Shadow were enforced.
    func decide(_ matches: [[Bool]], withShadow: Bool = false) -> Decision {
        for action in [PolicyAction.deny, .allow] {
            for (index, policy) in policies.enumerated()
            where policy.action == action && (withShadow || policy.mode == .enforce) {
                if let rule = matches[index].firstIndex(of: true) {
                    let rule = Decision.Rule(policy: Int32(index), index: Int32(rule))
                    return Decision(isAllowed: action == .allow, by: rule)
                }
            }
        }
        return Decision(isAllowed: defaultAction == .allow, by: nil)
    }

    /// What is said for a policy that decides nothing and matches.
    func verdict(for policy: AuthorizationPolicy, _ matches: [[Bool]]) -> ObservedVerdict {
        let (now, then) = (decide(matches).isAllowed, decide(matches, withShadow: true).isAllowed)
        if now, !then, policy.action == .deny { return .wouldDeny }
        if !now, then, policy.action == .allow { return .wouldAllow }
        return now ? .allowed : .denied
    }

    private static func matches(_ rule: PolicyRule, _ action: PolicyAction, _ call: SampleCall) -> Bool {
        let from = rule.from.isEmpty || rule.from.contains { matches($0, action, call) }
        let to = rule.to.isEmpty || rule.to.contains { matches($0, action, call) }
        return from && to && rule.when.allSatisfy { matches($0, action, call) }
    }

    private static func matches(_ source: PolicySource, _ action: PolicyAction, _ call: SampleCall) -> Bool {
        let parts = call.caller.map { $0.split(separator: "/", omittingEmptySubsequences: false).map(String.init) }
        let isAccount = parts.map { $0.count == 7 && $0[3] == "ns" && $0[5] == "sa" } ?? false
        let trustDomain = parts?[2]
        let namespace = isAccount ? parts?[4] : nil
        let account = isAccount ? parts.map { "\($0[4])/\($0[6])" } : nil
        return judge(source.principals, call.caller) { principal($0, $1) }
            && judge(source.serviceAccounts, account) { "\($0.namespace)/\($0.name)" == $1 }
            && judge(source.namespaces, namespace, string)
            && judge(source.trustDomains, trustDomain, string)
            && ofHTTP(source.requestPrincipals.isEmpty, action, call) { judge(source.requestPrincipals, nil, string) }
            && judge(source.ipBlocks, call.peerAddress, address)
            && (call.isRemoteAddressUnreadable && !source.remoteIpBlocks.isEmpty
                ? action == .deny : judge(source.remoteIpBlocks, call.remoteAddress ?? call.peerAddress, address))
    }

    private static func matches(_ operation: PolicyOperation, _ action: PolicyAction, _ call: SampleCall) -> Bool {
        ofHTTP(operation.hosts.isEmpty, action, call) { judge(operation.hosts, call.host, host) }
            && judge(operation.ports, call.destinationPort == 0 ? nil : call.destinationPort) { $0 == $1 }
            && ofHTTP(operation.methods.isEmpty, action, call) { judge(operation.methods, call.method, string) }
            && ofHTTP(operation.paths.isEmpty, action, call) { judge(operation.paths, call.path, action) }
    }

    private static func matches(_ condition: PolicyCondition, _ action: PolicyAction, _ call: SampleCall) -> Bool {
        switch condition.key {
        case .requestHeader("host"):
            return ofHTTP(condition.strings.isEmpty, action, call) { judge(condition.strings, call.host, host) }
        case .requestHeader(let name):
            return ofHTTP(condition.strings.isEmpty, action, call) {
                let values = call.headers.filter { $0[0] == name }.map { $0[1] }
                if values.isEmpty { return judge(condition.strings, nil, string) }
                let judged = values.map { judge(condition.strings, $0, string) }
                return action == .deny ? judged.contains(true) : !judged.contains(false)
            }
        case .sourceIP: return judge(condition.blocks, call.peerAddress, address)
        case .destinationIP: return judge(condition.blocks, call.destinationAddress, address)
        case .destinationPort:
            return judge(condition.ports, call.destinationPort == 0 ? nil : call.destinationPort) { $0 == $1 }
        case .sourcePrincipal: return judge(condition.strings, call.caller, principal)
        case .sourceNamespace:
            var source = PolicySource()
            source.namespaces = condition.strings
            return matches(source, action, call)
        case .connectionSNI:
            return judge(condition.strings, call.serverName.isEmpty ? nil : call.serverName) {
                host($0, $1.lowercased())
            }
        }
    }

    /// Values are ORed, negated values negate; what is absent has no value.
    private static func judge<Pattern, Value>(
        _ match: ValueMatch<Pattern>, _ value: Value?, _ fits: (Pattern, Value) -> Bool
    ) -> Bool {
        guard let value else { return match.values.isEmpty }
        let wanted = match.values.isEmpty || match.values.contains { fits($0.value, value) }
        return wanted && !match.notValues.contains { fits($0.value, value) }
    }

    /// `/a/{**}` is `/a` where that lets fewer calls pass.
    private static func judge(_ match: ValueMatch<PathPattern>, _ value: String, _ action: PolicyAction) -> Bool {
        let isDeny = action == .deny
        let wanted =
            match.values.isEmpty || match.values.contains { path($0.value, value, restIsOptional: isDeny) }
        return wanted && !match.notValues.contains { path($0.value, value, restIsOptional: !isDeny) }
    }

    private static func ofHTTP(
        _ isUnwritten: Bool, _ action: PolicyAction, _ call: SampleCall, _ judgement: () -> Bool
    ) -> Bool {
        if isUnwritten { return true }
        return call.callProtocol == .tcp ? action == .deny : judgement()
    }

    private static func string(_ pattern: StringPattern, _ value: String) -> Bool {
        switch pattern {
        case .exact(let text): value == text
        case .prefix(let text): value.hasPrefix(text)
        case .suffix(let text): value.hasSuffix(text)
        case .present: value != ""
        }
    }

    private static func host(_ pattern: StringPattern, _ value: String) -> Bool {
        switch pattern {
        case .exact(let text): value == text.lowercased()
        case .prefix(let text): value.hasPrefix(text.lowercased())
        case .suffix(let text): value.hasSuffix(text.lowercased())
        case .present: value != ""
        }
    }

    private static func principal(_ pattern: StringPattern, _ id: String) -> Bool {
        let istioForm = String(id.dropFirst("spiffe://".count))
        return switch pattern {
        case .exact(let text): id == text || istioForm == text
        case .prefix(let text): text.hasPrefix("spiffe://") ? id.hasPrefix(text) : istioForm.hasPrefix(text)
        case .suffix(let text): id.hasSuffix(text)
        case .present: true
        }
    }

    private static func path(_ pattern: PathPattern, _ path: String, restIsOptional: Bool) -> Bool {
        switch pattern {
        case .string(let pattern):
            return string(pattern, path)
        case .template(let template, let matchesRest):
            guard path.hasPrefix("/") else { return false }
            var parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
            guard matchesRest ? parts.count >= template.count : parts.count == template.count else { return false }
            if matchesRest, !restIsOptional, parts.count == template.count { return false }
            parts.removeLast(parts.count - template.count)
            return zip(template, parts).allSatisfy { segment, part in
                switch segment {
                case .any: part != ""
                case .literal(let text): part == text
                }
            }
        }
    }

    private static func address(_ block: AddressBlock, _ address: [UInt8]) -> Bool {
        let mapped = address.count == 4 ? [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF] + address : address
        var base: [UInt8] = []
        for half in [block.high, block.low] {
            for byte in 0..<8 { base.append(UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * byte))) }
        }
        for bit in 0..<Int(block.prefixLength) {
            let mask: UInt8 = 0x80 >> UInt8(bit % 8)
            if mapped[bit / 8] & mask != base[bit / 8] & mask { return false }
        }
        return true
    }
}
