package import Diagnostics

extension ResourceKind {
    package static let authorizationPolicy = Self("AuthorizationPolicy")
}

/// Who may call what: Istio's authorization API for services.
package struct AuthorizationPolicy: Resource {
    package static let kind = ResourceKind.authorizationPolicy
    package var metadata: Metadata
    package var targets: PolicyTargets
    /// Default: `.allow`, as in Istio.
    package var action: PolicyAction
    /// Default: `.enforce`. Of AUDIT it is never anything else.
    package var mode: PolicyMode
    /// ORed; empty: matches nothing.
    package var rules: [PolicyRule]

    package init(
        metadata: Metadata, targets: PolicyTargets, action: PolicyAction, mode: PolicyMode = .enforce,
        rules: [PolicyRule]
    ) {
        self.metadata = metadata
        self.targets = targets
        self.action = action
        self.mode = mode
        self.rules = rules
    }

    /// It has a part in what is decided. What has none is only looked at: computed, counted and logged.
    package var isEnforced: Bool { action.isEnforced(in: mode) }

    /// `DENY`, `Shadow DENY`.
    package var effect: String { action.text(in: mode) }
}

/// What a policy is for, of its own namespace.
package enum PolicyTargets: Hashable, Sendable {
    /// Every Service there is. A DENY is for every resource that Heddle answers for itself, too; an ALLOW is for none of these.
    case namespace
    case services([Located<String>])
    /// What Heddle answers for itself, by its kind: rules are about what is below it.
    case resources(ResourceKind, [Located<String>])

    /// Those that it names, of whichever kind.
    package var names: [Located<String>] {
        switch self {
        case .namespace: []
        case .services(let names), .resources(_, let names): names
        }
    }

    /// None of those that are for a whole namespace or for resources.
    package var services: [Located<String>] {
        if case .services(let services) = self { services } else { [] }
    }

    package var isNamespace: Bool { self == .namespace }

    /// Whether it is asked about calls to Services.
    package var areServices: Bool {
        if case .resources = self { false } else { true }
    }
}

package enum PolicyAction: String, Hashable, Sendable, CaseIterable {
    case allow = "ALLOW"
    case deny = "DENY"
    /// Decides nothing: says of which calls one wants to hear.
    case audit = "AUDIT"

    package func isEnforced(in mode: PolicyMode) -> Bool { self != .audit && mode == .enforce }

    /// As people are told of it.
    package func text(in mode: PolicyMode) -> String {
        switch mode {
        case .enforce: rawValue
        case .shadow: "\(mode.rawValue) \(rawValue)"
        }
    }
}

/// Whether what a policy says holds, or is only said.
package enum PolicyMode: String, Hashable, Sendable, CaseIterable {
    case enforce = "Enforce"
    case shadow = "Shadow"
}

/// `from`, `to` and `when` are ANDed; the items of each list of `from` and `to` are ORed; all conditions must hold.
package struct PolicyRule: Hashable, Sendable {
    /// Empty: any source.
    package var from: [PolicySource]
    /// Empty: any operation.
    package var to: [PolicyOperation]
    package var when: [PolicyCondition]
    package var position: Located<Int>

    package init(
        from: [PolicySource] = [], to: [PolicyOperation] = [], when: [PolicyCondition] = [], position: Located<Int>
    ) {
        self.from = from
        self.to = to
        self.when = when
        self.position = position
    }
}

/// A field's values and negated values; `nil` where the field is not written. Values are ORed.
package struct ValueMatch<Pattern: Hashable & Sendable>: Hashable, Sendable {
    package var values: [Located<Pattern>]
    package var notValues: [Located<Pattern>]

    package init(values: [Located<Pattern>] = [], notValues: [Located<Pattern>] = []) {
        self.values = values
        self.notValues = notValues
    }

    package var isEmpty: Bool { values.isEmpty && notValues.isEmpty }
}

/// Fields are ANDed.
package struct PolicySource: Hashable, Sendable {
    package var principals = ValueMatch<StringPattern>()
    /// `namespace/name`, literal.
    package var serviceAccounts = ValueMatch<ResourceName>()
    package var namespaces = ValueMatch<StringPattern>()
    package var trustDomains = ValueMatch<StringPattern>()
    package var requestPrincipals = ValueMatch<StringPattern>()
    package var ipBlocks = ValueMatch<AddressBlock>()
    package var remoteIpBlocks = ValueMatch<AddressBlock>()

    package init() {}
}

/// Fields are ANDed.
package struct PolicyOperation: Hashable, Sendable {
    package var hosts = ValueMatch<StringPattern>()
    package var ports = ValueMatch<UInt16>()
    package var methods = ValueMatch<StringPattern>()
    package var paths = ValueMatch<PathPattern>()

    package init() {}
}

package struct PolicyCondition: Hashable, Sendable {
    package var key: ConditionKey
    package var position: SourcePosition
    /// For `sourceIP` and `destinationIP` these are blocks and stand in `blocks` instead.
    package var strings: ValueMatch<StringPattern>
    package var blocks: ValueMatch<AddressBlock>
    /// For `destinationPort`.
    package var ports: ValueMatch<UInt16>

    package init(
        key: ConditionKey, position: SourcePosition, strings: ValueMatch<StringPattern> = .init(),
        blocks: ValueMatch<AddressBlock> = .init(), ports: ValueMatch<UInt16> = .init()
    ) {
        self.key = key
        self.position = position
        self.strings = strings
        self.blocks = blocks
        self.ports = ports
    }
}

package enum ConditionKey: Hashable, Sendable {
    /// `request.headers[name]`, name in lower case.
    case requestHeader(String)
    case sourceIP, sourceNamespace, sourcePrincipal
    case destinationIP, destinationPort
    case connectionSNI
}

/// Istio's string matching: exact, `abc*`, `*abc`, `*` (present and not empty).
package enum StringPattern: Hashable, Sendable {
    case exact(String)
    case prefix(String)
    case suffix(String)
    case present
}

/// A path: a `StringPattern`, or a template with `{*}` (one segment) and a final `{**}` (zero or more segments).
package enum PathPattern: Hashable, Sendable {
    package enum Segment: Hashable, Sendable {
        case literal(String)
        case any
    }

    case string(StringPattern)
    /// `matchesRest`: the template ends in `{**}`.
    case template([Segment], matchesRest: Bool)
}
