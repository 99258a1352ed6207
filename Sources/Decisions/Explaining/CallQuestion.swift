import CallPlanning
import CommonValues
import Diagnostics
import HTTPSemantics
import Manifests
import MeshSnapshot
import SPIFFE
import WireProtocols

/// A call that may never have been made.
package struct CallQuestion: Sendable {
    /// A service account (`shop/web`) or SPIFFE ID; `nil`: a caller without an identity.
    package var from: String?
    /// A service: `shop/orders`, `orders.shop`, `orders` (from the caller's namespace), or a hostname of its own.
    package var to: String
    /// `nil`: `POST` for a service of gRPC, `GET` for others. A connection to a TCP service has none.
    package var method: String?
    /// With its query, if any; as a client would send it. `nil`: `/`. A connection to a TCP service has none.
    package var path: String?
    /// What the caller names in `Host`; `nil`: what a field of that name says, or else the service's name. Of a connection
    /// through a gateway: the name in SNI.
    package var host: String?
    /// Without `content-type`, a POST to a service of gRPC has gRPC's.
    package var fields: [(name: String, value: String)] = []
    /// Where the call comes from, an IP address; `nil`: it has none, as over a Unix socket.
    package var fromAddress: String?
    /// Which of a gateway's ports the call comes to; `nil`: any.
    package var port: UInt16?

    package init(from: String?, to: String) {
        self.from = from
        self.to = to
    }

    /// Its call is one of gRPC.
    var isGRPC: Bool {
        fields.contains {
            $0.name.lowercased() == "content-type"
                && GRPCContentType.matches(Array($0.value.drop { $0 == " " || $0 == "\t" }.utf8).span)
        }
    }

    /// The same question with its host where `host` is, even if it was asked as a field.
    /// - Throws: If it names more than one.
    func withHostOfFields() throws(Mistake) -> CallQuestion {
        var question = self
        question.fields.removeAll { $0.name.lowercased() == "host" }
        for field in fields where field.name.lowercased() == "host" {
            let named = field.value.withoutBlanksAround
            if let host = question.host, !Self.isSameHost(host, named) {
                throw Mistake(
                    "there are two hosts, \(Diagnostic.quoted(host)) and \(Diagnostic.quoted(named)): a request has one"
                )
            }
            question.host = named
        }
        return question
    }

    /// What no client would send, but people write: what is refused for it says little.
    func checkForm() throws(Mistake) {
        if let path, !path.hasPrefix("/"), !path.contains("://"), path != "*" {
            throw Mistake("\(Diagnostic.quoted(path)) is no path: begin it with /")
        }
        if let path, let encoded = Self.encoded(path) {
            throw Mistake(
                "\(Diagnostic.quoted(path)) is no path as clients send it: write \(Diagnostic.quoted(encoded))")
        }
        let known = Set(KnownMethod.allCases.map { "\($0.name)" })
        if let method, !known.contains(method), known.contains(method.uppercased()) {
            throw Mistake("\(Diagnostic.quoted(method)) is no method: write \(method.uppercased())")
        }
        guard fields.allSatisfy({ !$0.name.isEmpty }) else {
            throw Mistake("a header has no name: write it as name:value")
        }
    }

    /// - Returns: `nil`: none is named.
    func caller(in snapshot: MeshSnapshot) throws(Mistake) -> SPIFFEID? {
        guard let from else { return nil }
        guard let id = CallerName.spiffeID(from, trustDomain: snapshot.mesh.trustDomain) else {
            throw Mistake(
                "\(Diagnostic.quoted(from)) is no caller: write a service account as namespace/name, or a SPIFFE ID")
        }
        return id
    }

    func clientAddress() throws(Mistake) -> IPAddress {
        guard let fromAddress else { return .unspecified }
        guard let address = IPAddress(fromAddress), address != .unspecified else {
            throw Mistake("\(Diagnostic.quoted(fromAddress)) is no IP address that a call can come from")
        }
        return address
    }

    /// With each byte that no path has as it is (RFC 3986 § 2.1); `nil`: there is none.
    private static func encoded(_ path: String) -> String? {
        let isPlain = 0x21...0x7E as ClosedRange<UInt8>
        guard !path.utf8.allSatisfy(isPlain.contains) else { return nil }
        return path.utf8.map { byte in
            isPlain.contains(byte)
                ? String(UnicodeScalar(byte)) : (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }

    /// Whether a request would be the same with the one as with the other; what is no host is the same as itself alone.
    private static func isSameHost(_ one: String, _ other: String) -> Bool {
        func canonical(_ host: String) -> String? {
            var head = MessageHead()
            let question = CallQuestion(from: nil, to: "")
            guard CanonicalCall.head(of: question, host: host, into: &head) == nil else { return nil }
            return "\(head.text(head.host)):\(head.hostPort)"
        }
        guard let form = canonical(one) else { return one == other }
        return form == canonical(other)
    }

    /// The same call of gRPC, with what clients of gRPC always send.
    var completedForGRPC: CallQuestion {
        var question = self
        question.method = method ?? "POST"
        if question.method == "POST", !fields.contains(where: { $0.name.lowercased() == "content-type" }) {
            question.fields.append((name: "content-type", value: "application/grpc"))
        }
        return question
    }

    /// A question that cannot be asked.
    package struct Mistake: Error, Hashable, CustomStringConvertible {
        package let description: String

        init(_ description: String) { self.description = description }
    }
}

/// What a question's names stand for.
struct ResolvedQuestion {
    let caller: SPIFFEID?
    let service: ResourceName
    /// Whoever bears the account calls from a workload; so does, for all that is known, who is no gateway either.
    let isWorkload: Bool
    /// Those whose account it is, too.
    let gateways: [Gateway]
    let clientAddress: IPAddress
    let serviceProtocol: ServiceProtocol
    /// The service, where Heddle itself answers for it.
    let inner: InnerService?

    init(
        _ question: CallQuestion, in snapshot: MeshSnapshot, inner: [InnerService] = []
    ) throws(CallQuestion.Mistake) {
        try question.checkForm()
        caller = try question.caller(in: snapshot)
        let account = caller?.serviceAccount
        self.inner = InnerService(named: question.to.lowercased(), among: inner)
        if let inner = self.inner {
            service = inner.name
        } else {
            service = try Self.service(question.to, from: account?.namespace ?? "default", in: snapshot)
        }
        serviceProtocol = snapshot.services[service]?.protocol ?? .http
        if serviceProtocol == .tcp, question.method != nil || question.path != nil || !question.fields.isEmpty {
            throw CallQuestion.Mistake(
                "\(service) speaks TCP: a connection has no method, path or header, so leave them out")
        }
        clientAddress = try question.clientAddress()
        gateways = snapshot.gateways.filter {
            $0.metadata.name.namespace == account?.namespace && $0.serviceAccount.value == account?.name
        }
        isWorkload =
            gateways.isEmpty
            || snapshot.workloads.contains {
                $0.metadata.name.namespace == account?.namespace && $0.serviceAccount.value == account?.name
            }
        if let port = question.port { try check(port, question) }
    }

    private func check(_ port: UInt16, _ question: CallQuestion) throws(CallQuestion.Mistake) {
        guard !gateways.isEmpty else {
            throw CallQuestion.Mistake(
                "a port is a gateway's: \(question.from ?? "the caller") is none, so leave it out")
        }
        let isTCP = serviceProtocol == .tcp
        let listeners = gateways.flatMap(\.listeners)
        guard !listeners.contains(where: { $0.port.value == port && $0.protocol.takesCalls != isTCP }) else { return }
        let names = gateways.map { "\($0.metadata.name)" }.sorted()
        throw CallQuestion.Mistake(
            "Gateway \(names.joined(separator: " or ")) has no listener on port \(port) that takes "
                + (isTCP ? "connections" : "calls"))
    }

    /// The caller is a gateway whose routes go by a host, and none is named.
    func lacksHost(_ question: CallQuestion) -> Bool {
        guard !isWorkload || question.port != nil, question.host == nil else { return false }
        return serviceProtocol != .tcp || !gateways.contains { $0.listeners.contains { $0.protocol == .tcp } }
    }

    private static func service(
        _ text: String, from namespace: String, in snapshot: MeshSnapshot
    ) throws(CallQuestion.Mistake) -> ResourceName {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2 {
            let name = ResourceName(namespace: parts[0], name: parts[1])
            if snapshot.services[name] != nil { return name }
        } else if let name = snapshot.serviceNamed(host: text.lowercased(), from: namespace) {
            return name
        }
        let all = snapshot.services.map(\.metadata.name).filter { $0.name == text }
        if all.count == 1 { return all[0] }
        if all.count > 1 {
            throw CallQuestion.Mistake(
                "there are several services \(Diagnostic.quoted(text)): \(all.map(\.description).joined(separator: ", "))"
            )
        }
        let near = NearestName(to: text, among: snapshot.services.names.flatMap { [$0.name, $0.description] }.sorted())
        throw CallQuestion.Mistake(
            "there is no service \(Diagnostic.quoted(text))"
                + (near.map { "; \($0.question)" }
                    ?? "; see which there are with: heddle get services"))
    }
}

extension String {
    /// As a field's value counts (RFC 9110 § 5.5).
    var withoutBlanksAround: String {
        guard let first = firstIndex(where: { !$0.isBlank }), let last = lastIndex(where: { !$0.isBlank }) else {
            return ""
        }
        return String(self[first...last])
    }
}

extension Character {
    fileprivate var isBlank: Bool { self == " " || self == "\t" }
}
