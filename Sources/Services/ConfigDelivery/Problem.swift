import CallOutcomes
import Diagnostics
import ServiceContracts

/// Why there is no answer, as a problem document (RFC 9457). It tells nothing of what its reader may not know.
struct Problem: Error {
    let status: UInt16
    /// Stable.
    let code: String
    let detail: String
    var reason = FailureReason.none
    /// The same call may have an answer later, and nothing is done twice.
    var isRetriable = false
    var fields: [(name: StaticString, value: String)] = []

    static let unknownPath = Problem(
        status: 404, code: "unknown-path",
        detail:
            "there are /v1/configs/NAMESPACE/NAME/values, with a path below it, and /v1/configs/NAMESPACE/NAME/watch")
    static func notAllowed(_ methods: String) -> Problem {
        Problem(
            status: 405, code: "method-not-allowed", detail: "configs are read: by \(methods)",
            fields: [("allow", methods)])
    }
    static let notAcceptable = Problem(
        status: 406, code: "not-acceptable", detail: "there are application/json, application/yaml and application/toml"
    )
    static let invalidWait = Problem(
        status: 400, code: "invalid-wait", detail: "wait is a number of seconds, up to 60: ?wait=60s")
    /// Whether it is there or not.
    static let forbidden = Problem(
        status: 403, code: "denied", detail: "no rule allows this", reason: .denied)
    static let absent = Problem(status: 404, code: "no-value", detail: "there is no value at this path")
    static let notReady = Problem(
        status: 503, code: "not-ready",
        detail: "the config has no value yet: one of its sources is away, or says what it may not",
        isRetriable: true, fields: [("retry-after", "1")])
    static let tooManyWatches = Problem(
        status: 429, code: "too-many-watches", detail: "this workload has 1,000 watches already", reason: .overloaded,
        isRetriable: true, fields: [("retry-after", "5")])

    static func unwritable(_ problem: String) -> Problem {
        Problem(status: 406, code: "not-acceptable", detail: problem)
    }

    func answer(verdict: LocalVerdict? = nil) -> LocalAnswer {
        var answer = LocalAnswer(status: status, reason: reason, verdict: verdict)
        answer.add("content-type", "application/problem+json")
        answer.add("cache-control", "no-store")
        for field in fields { answer.add(field.name, field.value) }
        return answer
    }

    var body: [UInt8] {
        let members: JSONValue = [
            "code": .string(code), "detail": .string(detail), "retriable": .bool(isRetriable),
            "status": .integer(Int(status)), "type": "about:blank",
        ]
        return Array(members.rendered().utf8)
    }
}
