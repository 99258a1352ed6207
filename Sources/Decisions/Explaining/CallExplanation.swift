package import Authorization
package import CallOutcomes
package import CallPlanning
import HTTPSemantics
package import Manifests
package import Routing
package import SPIFFE

/// What becomes of a call, and why: its canonical form, its route, and each rule's verdict at each service that it may be
/// sent to. Found by the same parser, route table and program that serve.
package struct CallExplanation: Sendable {
    /// The request in canonical form.
    package struct Request: Sendable, Hashable {
        package let method: String
        package let host: String
        package let path: String
    }

    /// One service that may receive the call.
    package struct Destination: Sendable {
        package let service: ResourceName
        /// Of the route's backend; `nil` where no route chose it.
        package let weight: Int?
        /// As the workload receives it, after rewriting; `nil` for a connection.
        package let request: Request?
        /// Before any rule is asked.
        package let refusal: Refusal?
        /// By the endpoints that it holds for: rules may name addresses and ports.
        package let judgements: [Judgement]
        package let defaultAction: DefaultAction
        /// What a caller of gRPC is told; `nil`: it is allowed, or it is told HTTP's status.
        package let grpcStatus: GRPCStatus?
        /// Nodes that workloads of it run on, but for the one that explains: each judges by the manifests that it has.
        package let otherNodes: [String]
        /// Endpoints whose name has no address now.
        package let unresolved: Set<String>
        /// Heddle itself answers for it.
        package var isInner = false
        /// What of it the rules were asked about; `nil`: the service.
        package var place: ResourcePlace?

        package var isAllowed: Bool { refusal == nil && judgements.allSatisfy(\.explanation.decision.isAllowed) }

        /// Somebody is there to receive it, as far as this node knows: other nodes have endpoints of their own.
        package var hasEndpoint: Bool {
            isInner || !otherNodes.isEmpty || judgements.contains { !unresolved.isSuperset(of: $0.endpoints) }
        }
    }

    /// Why a service does not take a call, whatever its rules say.
    package struct Refusal: Sendable {
        package let reason: FailureReason
        /// For people.
        package let text: String

        init(_ reason: FailureReason, _ text: String) {
            self.reason = reason
            self.text = text
        }
    }

    package struct Judgement: Sendable {
        package internal(set) var endpoints: [String]
        package let explanation: Explanation
    }

    /// Where the call goes.
    package enum Outcome: Sendable {
        /// No call is like this: status and reason.
        case malformed(status: UInt16, reason: String)
        /// Nobody calls as this caller: his certificate is refused before anything is asked. A sentence.
        case untrusted(String)
        /// It comes to no service: no route takes it, its rule has no backend with a weight above 0, or it is a call of a kind that
        /// nobody gets.
        /// - because: In other words than the reason's own; `nil`: those say it.
        case refused(FailureReason, status: UInt16, because: String? = nil)
        /// It is answered with this status alone.
        case answered(status: UInt16)
        case redirected(status: UInt16, location: String)
        case delivered([Destination])
    }

    /// `nil`: without an identity.
    package let caller: SPIFFEID?
    package let service: ResourceName
    /// The service speaks TCP: what is explained is a connection.
    package let isConnection: Bool
    /// Its caller understands gRPC's statuses: the content type is gRPC's. Without a `content-type` of its own, a POST to
    /// a service of gRPC is meant so.
    package let isGRPC: Bool
    /// `nil` if the call is malformed, and for a connection.
    package let request: Request?
    /// What was looked at to find the route; empty where none was asked.
    package let routes: [RouteExplanation]
    /// A gateway calls, and no host is named: its routes are not looked at.
    package internal(set) var isAboutService = false
    package let outcome: Outcome
    /// What limits the answer, for people.
    package let notes: [String]

    /// Whoever may receive the call, it is allowed; or it is answered with a redirect, which means nothing to gRPC's
    /// callers.
    package var isAllowed: Bool {
        switch outcome {
        case .malformed, .untrusted, .refused: false
        case .answered(let status): (200..<300).contains(status)
        case .redirected: !isGRPC
        case .delivered(let destinations): destinations.allSatisfy(\.isAllowed)
        }
    }

    /// It is allowed, and comes to somebody: of a destination without an endpoint its caller is told that there is none.
    package var isServed: Bool {
        guard isAllowed, case .delivered(let destinations) = outcome else { return isAllowed }
        return destinations.allSatisfy(\.hasEndpoint)
    }

    /// What a caller of gRPC is told where no service receives the call; `nil`: it is told HTTP's status, or one does.
    package var grpcStatus: GRPCStatus? {
        guard isGRPC else { return nil }
        let (reason, status): (FailureReason, UInt16)
        switch outcome {
        case .malformed(431, _): (reason, status) = (.overloaded, 431)
        // What clients make of an answer with HTTP's status alone; of a stream that is reset, the same.
        case .malformed(let code, _): (reason, status) = (.none, code)
        case .refused(let why, let code, _): (reason, status) = (why, code)
        case .answered(let code), .redirected(let code, _): (reason, status) = (.none, code)
        case .delivered, .untrusted: return nil
        }
        return reason.grpcStatus(status: status, hasCaller: caller != nil)
    }
}

extension CallExplanation.Request {
    init(_ head: borrowing MessageHead) {
        method = head.text(head.method)
        host = head.text(head.host)
        path = head.text(head.path)
    }
}
