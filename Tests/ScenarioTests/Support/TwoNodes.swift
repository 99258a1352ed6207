import TestSupport

/// web on node a calls orders on node b; both are processes on loopback, with one authority of the operator's.
final class TwoNodes: Sendable {
    let folder: TestFolder
    let authority: Authority
    /// Where web sends its calls, on node a.
    let outbound = TestPort.free()
    /// Where node b takes calls from other nodes.
    let inbound = TestPort.free()
    let orders: TestBackend
    let payments: TestBackend

    init(_ makeAuthority: (TestFolder) throws -> Authority = { try Authority($0) }) throws {
        folder = try TestFolder()
        authority = try makeAuthority(folder)
        orders = TestBackend.forgetfulEcho()
        payments = TestBackend.fixed("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npayments")
        try folder.write(manifests)
        try authority.issue("web", names: "URI:spiffe://mesh.local/ns/shop/sa/web")
    }

    func start(_ node: String) throws -> HeddleProcess { try .serving(folder, node: node) }

    private var mesh: String {
        // Of 16 callers most find no connection to the other node that is free, and make one with what is valid then.
        TwoNodeMesh.manifests(
            b: inbound, proxy: "accessLog: None, workers: 2, limits: {idleUpstreamConnections: 2}",
            identity: "svidTTL: 30s", authority: folder.file(authority.name))
    }

    private var manifests: String {
        """
        \(mesh)
        ---
        \(Shop.service("web"))
        ---
        \(Shop.service("orders"))
        ---
        \(Shop.service("payments"))
        ---
        \(Shop.workload("web-1", "service: web, node: a, outbound: {listen: \"127.0.0.1:\(outbound)\"}"))
        ---
        \(Shop.workload("orders-1", "service: orders, node: b, address: \"127.0.0.1:\(orders.port)\""))
        ---
        \(Shop.workload("payments-1", "service: payments, node: b, address: \"127.0.0.1:\(payments.port)\""))
        ---
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: web-reads, namespace: shop}
        spec:
          action: ALLOW
          rules:
          - from: [{source: {serviceAccounts: [shop/web]}}]
            to: [{operation: {methods: [GET], paths: ["/orders", "/orders/{**}"]}}]

        """
    }

    /// `openssl s_client` to node b with `NAME.pem`, for one request to its end.
    func call(
        as certificate: String?, serverName: String = "orders.shop.mesh", host: String = "orders.shop",
        _ more: String...
    ) throws -> Tool.Result {
        var arguments = [
            "s_client", "-connect", "127.0.0.1:\(inbound)", "-servername", serverName, "-CAfile", authority.certificate,
            "-ign_eof", "-showcerts",
        ]
        if let certificate {
            arguments += ["-cert", authority.certificate(certificate), "-key", authority.key(certificate)]
        }
        return try Tool.run(
            "openssl", arguments + more, in: folder,
            input: "GET /orders/1 HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
    }

    /// Every certificate that `s_client -showcerts` printed.
    static func certificates(in output: String) -> [String] {
        output.split(separator: "-----BEGIN CERTIFICATE-----").dropFirst().compactMap { part in
            part.firstRange(of: "-----END CERTIFICATE-----").map {
                "-----BEGIN CERTIFICATE-----\(part[..<$0.upperBound])\n"
            }
        }
    }

    /// The serial number of the certificate that node b shows now.
    func serial() throws -> String { try shown("-serial") }
    /// The subject of the authority that issued it.
    func issuer() throws -> String { try shown("-issuer") }

    private func shown(_ field: String) throws -> String {
        let leaf = Self.certificates(in: try call(as: "web").output).first ?? ""
        return try Tool.run("openssl", ["x509", "-noout", field], in: folder, input: leaf).output
    }
}
