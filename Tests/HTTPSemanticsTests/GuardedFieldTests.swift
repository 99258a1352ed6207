import Testing

@testable import HTTPSemantics

private func guarded(_ name: String) -> GuardedField { GuardedField(Array(name.utf8).span) }

private func left(_ names: [String], _ remove: (inout MessageHead) -> Void) -> [String] {
    var head = MessageHead()
    for name in names { head.addField(name: Array(name.utf8).span, value: ("v" as StaticString).bytes) }
    remove(&head)
    return head.fields.map { head.text($0.name) }
}

@Suite struct GuardedFieldTests {
    /// What says where a call came from.
    static let origins = [
        "forwarded", "x-forwarded", "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-server", "x-forwarded-ssl",
        "x-forwarded-anything", "x-original-forwarded-for", "x-original-host", "x-original-url", "x-rewrite-url",
        "x-real-ip",
        "x-client-ip", "client-ip", "x-remote-ip", "x-remote-addr", "x-originating-ip", "x-cluster-client-ip",
        "true-client-ip", "cf-connecting-ip", "cf-connecting-ipv6", "fastly-client-ip", "proxy-client-ip",
        "wl-proxy-client-ip", "x-envoy-external-address", "x-envoy-internal", "x-azure-clientip", "x-azure-socketip",
        "x-appengine-user-ip", "x-url-scheme", "front-end-https",
    ]

    @Test(arguments: origins + ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"])
    func `what says where a call came from is dropped from who is not trusted, and only then`(name: String) {
        let names = ["a", name, "x-mine", name.uppercased(), "b"]
        #expect(left(names) { $0.removeOriginFields() } == ["a", "x-mine", "b"])
        #expect(left(names) { $0.removeHeddleFields() } == ["a", name, "x-mine", name, "b"])
    }

    @Test(
        arguments: origins.filter { $0.contains("-") } + [
            "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-client-cert", "x-heddle-caller",
            "x-heddle-reason", "x-heddle-hops", "x-heddle-anything",
        ])
    func `one that differs from such a field, or from Heddle's, in _ for - is dropped from everyone`(name: String) {
        let every = String(name.map { $0 == "-" ? "_" : $0 })
        let first = Self.replacing(name.firstIndex(of: "-"), in: name)
        let last = Self.replacing(name.lastIndex(of: "-"), in: name)
        for alias in [every, first, last, every.uppercased()] {
            #expect(left(["a", alias, "b"]) { $0.removeHeddleFields() } == ["a", "b"], "\(alias)")
        }
    }

    private static func replacing(_ index: String.Index?, in name: String) -> String {
        var name = name
        if let index { name.replaceSubrange(index...index, with: "_") }
        return name
    }

    @Test(arguments: [
        "x-heddl", "x-heddles", "forwarder", "xforwarded-for", "x-forwardedfor", "x-real-ips", "real-ip",
        "x-request-id",
        "x_request_id", "x_mine", "user-agent", "cf-ray", "true-client", "content_length", "x-originating",
        "x-original",
        "x-envoy-attempt-count", "traceparent", "",
    ])
    func `other names are anybody's`(name: String) {
        guard case .none = guarded(name) else {
            Issue.record("\(name) is \(guarded(name))")
            return
        }
        #expect(left([name]) { $0.removeHeddleFields() } == [name])
        #expect(left([name]) { $0.removeOriginFields() } == [name])
    }
}
