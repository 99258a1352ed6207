import CommonValues
import Diagnostics
import Manifests
import SPIFFE

@testable import Authorization
@testable import HTTPSemantics

extension SampleCall {
    /// The call as the data plane would present it.
    func head() -> MessageHead {
        var head = MessageHead()
        guard callProtocol == .http else { return head }
        head.method = head.append(method.utf8)
        head.knownMethod = KnownMethod(exactly: method) ?? .other
        head.host = head.append(host.utf8)
        head.path = head.append(path.utf8)
        for header in headers {
            let name = head.append(header[0].utf8)
            head.appendField(.init(name: name, value: head.append(header[1].utf8), known: .other))
        }
        return head
    }

    func facts() -> CallFacts {
        var facts = CallFacts(
            caller: caller.map(Self.caller), peerAddress: Self.address(peerAddress),
            remoteAddress: remoteAddress.map(Self.address), destinationAddress: Self.address(destinationAddress),
            destinationPort: destinationPort, serverNameIndication: Array(serverName.utf8), callProtocol: callProtocol)
        facts.isRemoteAddressUnreadable = isRemoteAddressUnreadable
        return facts
    }

    private static func caller(_ id: String) -> Caller {
        guard let id = SPIFFEID(id) else { preconditionFailure("\(id) is not a SPIFFE ID") }
        return Caller(id)
    }

    static func address(_ bytes: [UInt8]?) -> IPAddress {
        guard let bytes else { return .unspecified }
        let low = bytes.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        if bytes.count == 4 { return IPAddress(high: 0, low: 0xFFFF_0000_0000 | low) }
        return IPAddress(high: bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }, low: low)
    }
}

extension AuthorizationProgram {
    convenience init(_ policies: [AuthorizationPolicy], otherwise defaultAction: DefaultAction = .deny) {
        self.init(
            policies: policies, defaultAction: defaultAction)
    }

    func allows(_ call: SampleCall) -> Bool { decide(call).isAllowed }

    func decide(_ call: SampleCall) -> Decision {
        let head = call.head()
        let facts = call.facts()
        return decide(head, facts)
    }

    func observe(_ call: SampleCall, in observation: inout Observation) {
        let head = call.head()
        let facts = call.facts()
        observe(head, facts, in: &observation)
    }

    func explain(_ call: SampleCall) -> Explanation {
        let head = call.head()
        let facts = call.facts()
        return explain(head, facts)
    }
}

func place(_ line: Int = 1, _ column: Int = 1) -> SourcePosition {
    SourcePosition(file: "shop.yaml", line: line, column: column)
}

func policy(
    _ action: PolicyAction, _ rules: PolicyRule..., name: String = "p", targets: [String] = ["orders"],
    mode: PolicyMode = .enforce
) -> AuthorizationPolicy {
    AuthorizationPolicy(
        metadata: Metadata(name: ResourceName(namespace: "shop", name: name), position: place()),
        targets: targets.isEmpty ? .namespace : .services(targets.map { Located($0, at: place(2)) }), action: action,
        mode: mode, rules: rules)
}

func rule(
    from: [PolicySource] = [], to: [PolicyOperation] = [], when: [PolicyCondition] = [], line: Int = 10
) -> PolicyRule {
    PolicyRule(from: from, to: to, when: when, position: Located(0, at: place(line)))
}

func source(_ set: (inout PolicySource) -> Void) -> PolicySource {
    var source = PolicySource()
    set(&source)
    return source
}

func operation(_ set: (inout PolicyOperation) -> Void) -> PolicyOperation {
    var operation = PolicyOperation()
    set(&operation)
    return operation
}

func header(_ name: String, _ values: [String] = [], not notValues: [String] = []) -> PolicyCondition {
    PolicyCondition(key: .requestHeader(name), position: place(30), strings: strings(values, not: notValues))
}

func located<Value>(_ values: [Value]) -> [Located<Value>] { values.map { Located($0, at: place(20)) } }

func strings(_ values: [String] = [], not notValues: [String] = []) -> ValueMatch<StringPattern> {
    ValueMatch(values: located(values.map(pattern)), notValues: located(notValues.map(pattern)))
}

func paths(_ values: [String] = [], not notValues: [String] = []) -> ValueMatch<PathPattern> {
    ValueMatch(values: located(values.map(pathPattern)), notValues: located(notValues.map(pathPattern)))
}

func blocks(_ values: [String] = [], not notValues: [String] = []) -> ValueMatch<AddressBlock> {
    ValueMatch(values: located(values.map(block)), notValues: located(notValues.map(block)))
}

func accounts(_ values: [String] = [], not notValues: [String] = []) -> ValueMatch<ResourceName> {
    func name(_ text: String) -> ResourceName {
        let parts = text.split(separator: "/")
        return ResourceName(namespace: String(parts[0]), name: String(parts[1]))
    }
    return ValueMatch(values: located(values.map(name)), notValues: located(notValues.map(name)))
}

/// A pattern as the manifest writes it.
func pattern(_ text: String) -> StringPattern {
    if text == "*" { return .present }
    if text.hasSuffix("*") { return .prefix(String(text.dropLast())) }
    if text.hasPrefix("*") { return .suffix(String(text.dropFirst())) }
    return .exact(text)
}

/// A path pattern as the manifest writes it.
func pathPattern(_ text: String) -> PathPattern {
    guard text.contains("{") else { return .string(pattern(text)) }
    var parts = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    let matchesRest = parts.last == "{**}"
    if matchesRest { parts.removeLast() }
    return .template(parts.map { $0 == "{*}" ? .any : .literal(String($0)) }, matchesRest: matchesRest)
}

/// `10.0.0.0/8`.
func block(_ text: String) -> AddressBlock {
    let parts = text.split(separator: "/")
    let bytes = parts[0].split(separator: ".").compactMap { UInt8($0) }
    let address = SampleCall.address(bytes)
    return AddressBlock(high: address.high, low: address.low, prefixLength: 96 + (UInt8(parts[1]) ?? 32))
}
