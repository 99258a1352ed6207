import Authorization
import CommonValues
import HTTPSemantics
import Manifests

/// A call that was refused, kept for `heddle explain --decision ID`.
package struct DecisionRecord: Sendable {
    /// The call's `x-request-id`.
    package let id: String
    package let generation: UInt64
    package let time: UnixTime
    package let caller: String?
    package let service: ResourceName
    package let method: String
    package let host: String
    package let path: String
    package let fields: [(name: String, value: String)]
    package let isAllowed: Bool
    /// The policy that decided; `nil`: the default action.
    package let policy: ResourceName?
    package let rule: Int
}

/// The latest refused calls of one worker.
final class DecisionLog {
    private(set) var records: [DecisionRecord] = []
    private var next = 0

    /// Records kept by each worker.
    private static let capacity = 512

    func note(_ exchange: Exchange, _ decision: Decision, service: ServiceView) {
        let request = exchange.request.textCopy()
        let record = DecisionRecord(
            id: request.fields.first { $0.name == "x-request-id" }?.value ?? "", generation: exchange.view.generation,
            time: .now,
            caller: exchange.caller.map { "\($0.id)" }, service: service.name,
            method: request.method, host: request.host, path: request.path, fields: request.fields,
            isAllowed: decision.isAllowed,
            policy: decision.policy < 0 ? nil : service.program.policies[Int(decision.policy)].name,
            rule: Int(decision.rule))
        if records.count < Self.capacity {
            records.append(record)
        } else {
            records[next] = record
            next = (next + 1) % Self.capacity
        }
    }
}
