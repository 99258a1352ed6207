package import Authorization
package import CallPlanning
package import CommonValues
package import Manifests

/// A call of the past as it was decided.
package struct DecisionReport: Sendable {
    /// The call's `x-request-id`.
    package var id: String
    /// The generation that decided.
    package var generation: UInt64
    package var at: UnixTime
    /// The caller's SPIFFE ID; `nil`: it had none.
    package var caller: String?
    /// `nil`: it was refused before its service was looked for.
    package var service: ResourceName?
    /// Empty for a connection to a TCP service, as `host` and `path` are.
    package var method: String
    /// In canonical form, as all that follows: what the rules judged.
    package var host: String
    package var path: String
    package var fields: [(name: String, value: String)]
    /// Names of fields that are not kept: secrets, and what is too long.
    package var withheld: [String]
    package var isAllowed: Bool
    /// The rule that decided; `nil`: the default action.
    package var rule: RuleName?
    /// What of a resource was asked for, where Heddle itself answers for it: the rule is one of the resource's.
    package var place: ResourcePlace?
    /// No rule was asked: the process that made the call is no workload.
    package var processRefusal: ProcessRefusal?

    package init(
        id: String, generation: UInt64, at: UnixTime, caller: String?, service: ResourceName?, method: String,
        host: String, path: String, fields: [(name: String, value: String)], withheld: [String] = [],
        isAllowed: Bool, rule: RuleName?, place: ResourcePlace? = nil, processRefusal: ProcessRefusal? = nil
    ) {
        self.id = id
        self.generation = generation
        self.at = at
        self.caller = caller
        self.service = service
        self.method = method
        self.host = host
        self.path = path
        self.fields = fields
        self.withheld = withheld
        self.isAllowed = isAllowed
        self.rule = rule
        self.place = place
        self.processRefusal = processRefusal
    }
}
