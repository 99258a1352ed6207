import Diagnostics
import HTTPSemantics
import Manifests
import SPIFFE

/// How a service's rules may differ from each other.
enum Shape: String, CaseIterable {
    case accounts = "accounts, one policy"
    case accountsInPolicies = "accounts, a policy each"
    case accountsAndPaths = "accounts and paths"
    case paths = "paths, one caller"
    case templates = "templates, one caller"
    case accountsOnePath = "accounts, one path"
    case prefixesInPolicies = "prefixes, a policy each"
    case pairs = "100 accounts by n/100 paths"
    case operations = "one rule, n operations"
    case denied = "a DENY each by path"

    func policies(count: Int) -> [AuthorizationPolicy] {
        switch self {
        case .accounts, .accountsAndPaths, .paths, .templates, .accountsOnePath, .pairs:
            return [policy(.allow, (0..<count).map { rule($0, of: count) })]
        case .accountsInPolicies, .prefixesInPolicies:
            return (0..<count).map { policy(.allow, [rule($0, of: count)]) }
        case .operations:
            return [
                policy(
                    .allow,
                    [
                        PolicyRule(
                            from: [account("web")], to: (0..<count).map { path(.string(.exact("/items/\($0)"))) },
                            position: Located(0, at: position))
                    ])
            ]
        case .denied:
            return [policy(.deny, (0..<count).map { rule($0, of: count) })]
                + [
                    policy(
                        .allow,
                        [PolicyRule(to: [path(.string(.prefix("/items/")))], position: Located(0, at: position))])
                ]
        }
    }

    func caller(index: Int, isMatching: Bool) -> SPIFFEID {
        let name =
            switch self {
            case .accounts, .accountsInPolicies, .accountsAndPaths, .accountsOnePath:
                isMatching ? "caller-\(index)" : "stranger-\(index)"
            case .paths, .templates, .prefixesInPolicies, .operations, .denied: "web"
            case .pairs: "caller-\(index % 100)"
            }
        guard let trustDomain = TrustDomain("mesh.local") else { preconditionFailure("the trust domain is valid") }
        return SPIFFEID(trustDomain: trustDomain, namespace: "shop", serviceAccount: name)
    }

    func head(index: Int, isMatching: Bool) -> MessageHead {
        let path =
            switch self {
            case .accounts, .accountsInPolicies: "/items/\(index)"
            case .accountsAndPaths, .paths, .operations: isMatching ? "/items/\(index)" : "/others/\(index)"
            case .templates: isMatching ? "/items-\(index)/17/lines" : "/others-\(index)/17/lines"
            case .accountsOnePath: "/items/list"
            case .prefixesInPolicies: isMatching ? "/items-\(index)/17" : "/others-\(index)/17"
            case .pairs: isMatching ? "/items/\(index / 100)" : "/others/\(index / 100)"
            case .denied: isMatching ? "/items/new-\(index)" : "/items/\(index)"
            }
        var head = MessageHead()
        head.method = head.append("GET".utf8)
        head.knownMethod = .get
        head.host = head.append("orders.shop".utf8)
        head.path = head.append(path.utf8)
        return head
    }

    private func rule(_ index: Int, of count: Int) -> PolicyRule {
        var rule = PolicyRule(position: Located(index, at: position))
        switch self {
        case .accounts, .accountsInPolicies: rule.from = [account("caller-\(index)")]
        case .accountsAndPaths:
            rule.from = [account("caller-\(index)")]
            rule.to = [path(.string(.exact("/items/\(index)")))]
        case .paths:
            rule.from = [account("web")]
            rule.to = [path(.string(.exact("/items/\(index)")))]
        case .templates:
            rule.from = [account("web")]
            rule.to = [path(.template([.literal("items-\(index)"), .any, .literal("lines")], matchesRest: false))]
        case .accountsOnePath:
            rule.from = [account("caller-\(index)")]
            rule.to = [path(.string(.exact("/items/list")))]
        case .prefixesInPolicies:
            rule.from = [account("web")]
            rule.to = [path(.string(.prefix("/items-\(index)/")))]
        case .pairs:
            rule.from = [account("caller-\(index % 100)")]
            rule.to = [path(.string(.exact("/items/\(index / 100)")))]
        case .operations, .denied: rule.to = [path(.string(.exact("/items/\(index)")))]
        }
        return rule
    }

    private func policy(_ action: PolicyAction, _ rules: [PolicyRule]) -> AuthorizationPolicy {
        AuthorizationPolicy(
            metadata: Metadata(name: ResourceName(namespace: "shop", name: "policy"), position: position),
            targets: .namespace, action: action, rules: rules)
    }

    private func account(_ name: String) -> PolicySource {
        var source = PolicySource()
        source.serviceAccounts.values = [Located(ResourceName(namespace: "shop", name: name), at: position)]
        return source
    }

    private func path(_ pattern: PathPattern) -> PolicyOperation {
        var operation = PolicyOperation()
        operation.methods.values = [Located(.exact("GET"), at: position)]
        operation.paths.values = [Located(pattern, at: position)]
        return operation
    }

    private var position: SourcePosition { SourcePosition(file: "shop.yaml", line: 1, column: 1) }
}
