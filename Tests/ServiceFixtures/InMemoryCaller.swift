import Authorization
package import CallOutcomes
package import HTTPSemantics
import SPIFFE
package import ServiceContracts
import Synchronization
import TestSupport

/// Stands for a caller and all that is between it and a service: what is said to the service, and what it answers, without a socket.
package final class InMemoryCaller: Sendable {
    package let relay: CallRelay
    private let counter = Counter()

    /// - Parameters:
    ///   - path: In canonical form.
    ///   - fields: Names in lower case.
    ///   - account: Whose call it is: a namespace, and a service account's name.
    package init(
        _ method: KnownMethod, _ path: String, fields: [(String, String)] = [], hasBody: Bool = false,
        account: (String, String) = ("shop", "web"), of host: ServiceHost, rules: RulesInForce
    ) {
        var head = MessageHead()
        head.setMethod(method.name.bytes)
        try! head.setHost(canonicalizing: Array("config.mesh".utf8).span)
        head.addHostField()
        try! head.setPath(canonicalizing: Array(path.utf8).span)
        for field in fields { head.addField(name: Array(field.0.utf8).span, value: Array(field.1.utf8).span) }
        let id = SPIFFEID(
            trustDomain: TrustDomain("mesh.local")!, namespace: account.0, serviceAccount: account.1)
        let request = LocalRequest(copying: head, hasBody: hasBody, caller: Caller(id))
        relay = CallRelay(request, to: host, rules: rules) { [counter] in counter.add() }
    }

    private final class Counter: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }
        func add() { count.withLock { $0 += 1 } }
    }

    /// How often it was told that there is something.
    package var tellings: Int { counter.value }

    /// What came of a call.
    package struct Gathered: Sendable {
        package var status: UInt16 = 0
        package var fields: [String: String] = [:]
        package var reason = FailureReason.none
        package var body: [UInt8] = []
        package var isEnded = false
        package var failure: FailureReason?
        package var isOutdated = false

        package var text: String { String(decoding: body, as: UTF8.self) }
        var isOver: Bool { isEnded || failure != nil || isOutdated }

        mutating func take(_ output: LocalOutput) {
            switch output {
            case .head(let answer, _):
                status = answer.status
                reason = answer.reason
                for field in answer.fields {
                    fields["\(field.name)"] = String(decoding: field.value, as: UTF8.self)
                }
            case .body(let bytes): body += bytes
            case .end: isEnded = true
            case .failure(let reason): failure = reason
            case .outdated: isOutdated = true
            }
        }
    }

    /// Waits for the whole answer, or its failure, and leaves.
    package func gather() async -> Gathered {
        let gathered = await gather { _ in false }
        relay.leave()
        return gathered
    }

    /// Takes what comes until it is enough, or over.
    package func gather(until isEnough: (Gathered) -> Bool) async -> Gathered {
        var gathered = Gathered()
        await Poll.until {
            relay.heard()
            while !gathered.isOver, !isEnough(gathered), let output = relay.next() { gathered.take(output) }
            return gathered.isOver || isEnough(gathered)
        }
        return gathered
    }

    /// The next part of the answer.
    package func next() async -> LocalOutput? {
        var output: LocalOutput?
        await Poll.until {
            relay.heard()
            output = relay.next()
            return output != nil
        }
        return output
    }

    package func send(_ bytes: [UInt8]) { relay.receive(bytes.span) }
}
