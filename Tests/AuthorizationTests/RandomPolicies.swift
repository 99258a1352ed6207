import FuzzKit
import Manifests

@testable import Authorization

/// Policies and calls out of words so few that they meet all the time.
struct RandomPolicies {
    var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    /// - Parameter observing: How many of them decide nothing.
    mutating func policies(observing: Double = 0) -> [AuthorizationPolicy] {
        (0..<Int.random(in: 0...6, using: &random)).map { _ in
            var policy = policy(nil)
            if chance(observing) {
                if chance(0.3) { policy.action = .audit } else { policy.mode = .shadow }
            }
            return policy
        }
    }

    mutating func policy(_ action: PolicyAction?) -> AuthorizationPolicy {
        let rules = (0..<Int.random(in: 0...5, using: &random)).map { _ in rule() }
        return AuthorizationPolicy(
            metadata: Metadata(name: ResourceName(namespace: "shop", name: "p"), position: place()),
            targets: .namespace, action: action ?? (chance(0.35) ? .deny : .allow), rules: rules)
    }

    mutating func defaultAction() -> DefaultAction { chance(0.3) ? .allow : .deny }

    mutating func call() -> SampleCall {
        var call = SampleCall()
        call.method = pick(["GET", "GET", "POST", "PUT", "PURGE", "DELETE"])
        call.host = pick(["orders", "orders.shop", "orders.shop.mesh", "api.example.com"])
        call.path = pick([
            "/", "/orders", "/orders/", "/orders/1", "/orders/1/items", "/orders/a%2Fb", "/admin", "/admin/x/y",
            "/a.js",
            "*", "",
        ])
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            call.headers.append([pick(["x-tenant", "x-role", "host"]), pick(["a", "b", "ab", "a, b", ""])])
        }
        call.caller =
            chance(0.1)
            ? nil
            : pick([
                "spiffe://mesh.local/ns/shop/sa/web", "spiffe://mesh.local/ns/shop/sa/cart",
                "spiffe://mesh.local/ns/ops/sa/web",
                "spiffe://other.test/ns/shop/sa/web", "spiffe://mesh.local/vm/7", "spiffe://mesh.local",
            ])
        call.peerAddress = chance(0.1) ? nil : pick([[10, 0, 0, 7], [10, 1, 0, 7], [192, 168, 0, 1]])
        call.remoteAddress = chance(0.5) ? nil : pick([[10, 0, 0, 8], [203, 0, 113, 9]])
        call.isRemoteAddressUnreadable = chance(0.2)
        call.destinationAddress = chance(0.2) ? nil : pick([[127, 0, 0, 1], [10, 0, 0, 7]])
        call.destinationPort = pick([8080, 9090, 0])
        call.serverName = pick(["", "orders.shop", "Orders.Shop"])
        call.callProtocol = chance(0.15) ? .tcp : .http
        return call
    }

    private mutating func rule() -> PolicyRule {
        let from = (0..<pick([0, 1, 1, 2, 3])).map { _ in source() }
        let to = (0..<pick([0, 1, 1, 2, 4])).map { _ in operation() }
        let when = (0..<pick([0, 0, 0, 1, 2])).map { _ in condition() }
        return PolicyRule(from: from, to: to, when: when, position: Located(0, at: place()))
    }

    private mutating func source() -> PolicySource {
        var source = PolicySource()
        let accountNames = ["shop/web", "shop/cart", "ops/web"]
        if chance(0.35) {
            source.serviceAccounts = accounts(some(accountNames), not: chance(0.2) ? some(accountNames) : [])
        }
        if chance(0.3) { source.principals = principals() }
        if chance(0.3) { source.namespaces = match(["shop", "ops", "sh*", "*op", "*"]) }
        if chance(0.1) { source.trustDomains = match(["mesh.local", "other.test", "*.local", "mesh*", "*"]) }
        if chance(0.05) { source.requestPrincipals = match(["issuer/user", "*"]) }
        if chance(0.1) { source.ipBlocks = addressMatch() }
        if chance(0.2) { source.remoteIpBlocks = addressMatch() }
        return source
    }

    private mutating func operation() -> PolicyOperation {
        var operation = PolicyOperation()
        if chance(0.4) { operation.methods = match(["GET", "POST", "get", "PURGE", "P*", "*T", "*"]) }
        if chance(0.6) { operation.paths = pathMatch() }
        if chance(0.2) { operation.hosts = hosts() }
        if chance(0.1) { operation.ports = portMatch() }
        return operation
    }

    private mutating func condition() -> PolicyCondition {
        let position = place()
        switch Int.random(in: 0...8, using: &random) {
        case 0: return PolicyCondition(key: .sourceIP, position: position, blocks: addressMatch())
        case 1: return PolicyCondition(key: .destinationIP, position: position, blocks: addressMatch())
        case 2: return PolicyCondition(key: .destinationPort, position: position, ports: portMatch())
        case 3: return PolicyCondition(key: .sourceNamespace, position: position, strings: match(["shop", "op*", "*"]))
        case 4: return PolicyCondition(key: .sourcePrincipal, position: position, strings: principals())
        case 5:
            return PolicyCondition(
                key: .connectionSNI, position: position, strings: match(["orders.shop", "ORDERS*", "*.mesh", "*"]))
        case 6: return PolicyCondition(key: .requestHeader("host"), position: position, strings: hosts())
        default:
            let name = pick(["x-tenant", "x-role"])
            return PolicyCondition(
                key: .requestHeader(name), position: position, strings: match(["a", "b", "a*", "*b", "*"]))
        }
    }

    private mutating func principals() -> ValueMatch<StringPattern> {
        match([
            "mesh.local/ns/shop/sa/web", "spiffe://mesh.local/ns/shop/sa/cart", "mesh.local/ns/shop/*",
            "spiffe://mesh.local/*", "*/sa/web", "*/7", "spiffe://mesh.local", "*",
        ])
    }

    private mutating func hosts() -> ValueMatch<StringPattern> {
        match(["orders", "Orders.Shop", "orders.*", "*.mesh", "*.EXAMPLE.com", "*"])
    }

    private mutating func pathMatch() -> ValueMatch<PathPattern> {
        let words = [
            "/", "/orders", "/orders/1", "/orders*", "/orders/*", "*.js", "*/items", "*", "/orders/{*}", "/orders/{**}",
            "/{*}", "/{**}", "/{*}/1", "/{*}/{*}/items", "/admin/{*}/{**}", "/orders/{*}/", "/orders/a%2Fb", "/o*",
            "/or*",
        ]
        let notWords = chance(0.25) ? some(words) : []
        return paths(notWords.isEmpty || chance(0.6) ? some(words) : [], not: notWords)
    }

    private mutating func addressMatch() -> ValueMatch<AddressBlock> {
        let words = ["10.0.0.0/8", "10.0.0.0/24", "10.0.0.7/32", "192.168.0.0/16", "0.0.0.0/0", "127.0.0.1/32"]
        let notWords = chance(0.3) ? some(words) : []
        return blocks(notWords.isEmpty || chance(0.5) ? some(words) : [], not: notWords)
    }

    private mutating func portMatch() -> ValueMatch<UInt16> {
        let ports: [UInt16] = [8080, 9090, 443]
        let notPorts = chance(0.3) ? some(ports) : []
        return ValueMatch(
            values: located(notPorts.isEmpty || chance(0.5) ? some(ports) : []), notValues: located(notPorts))
    }

    private mutating func match(_ words: [String]) -> ValueMatch<StringPattern> {
        let notWords = chance(0.25) ? some(words) : []
        return strings(notWords.isEmpty || chance(0.5) ? some(words) : [], not: notWords)
    }

    private mutating func some<Word>(_ words: [Word]) -> [Word] {
        (0..<pick([1, 1, 2, 3])).map { _ in pick(words) }
    }

    private mutating func pick<Word>(_ words: [Word]) -> Word { words[Int.random(in: 0..<words.count, using: &random)] }

    private mutating func chance(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &random) < probability
    }
}
