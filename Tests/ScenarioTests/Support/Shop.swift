import Glibc
import TestSupport

/// The shop of the specification: web calls orders.
enum Shop {
    /// What does not change in a test, on one host.
    static func oneHost(outbound: UInt16, orders: UInt16, mesh: String = "", rule: String = allowAll) -> String {
        """
        apiVersion: heddle/v1
        kind: Mesh
        metadata: {name: mesh}
        spec:
          proxy: {accessLog: None, workers: 2}
        \(mesh)
        ---
        \(service("orders"))
        ---
        \(service("web"))
        ---
        \(workload("orders-1", "service: orders, address: \"127.0.0.1:\(orders)\""))
        ---
        \(workload("web-1", "service: web, outbound: {listen: \"127.0.0.1:\(outbound)\"}, selectors: [{unix: {uid: \(geteuid())}}]"))
        ---
        \(rule)

        """
    }

    static func service(_ name: String) -> String {
        manifest("Service", name, "{protocol: HTTP}")
    }

    static func workload(_ name: String, _ spec: String) -> String {
        manifest("Workload", name, "{\(spec)}")
    }

    static let allowAll = manifest("AuthorizationPolicy", "all", "{action: ALLOW, rules: [{}]}")

    /// A route and a rule that both carry the number of their generation: the workload receives it as `x-generation`,
    /// the caller as `x-served-by`, and of the paths `/only/…` the one of this generation alone is allowed.
    static func generation(_ number: Int) -> String {
        """
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: orders, namespace: shop}
        spec:
          parentRefs: [{kind: Service, name: orders}]
          rules:
          - filters:
            - type: RequestHeaderModifier
              requestHeaderModifier: {set: [{name: x-generation, value: "\(number)"}]}
            - type: ResponseHeaderModifier
              responseHeaderModifier: {set: [{name: x-served-by, value: "\(number)"}]}
            backendRefs: [{name: orders}]
        ---
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: orders, namespace: shop}
        spec:
          targetRefs: [{kind: Service, name: orders}]
          action: ALLOW
          rules:
          - to: [{operation: {paths: ["/orders", "/orders/{**}", "/only/\(number)"]}}]

        """
    }
}

extension TestBackend {
    /// Answers every request with its own head as the body, and remembers nothing.
    static func forgetfulEcho() -> TestBackend {
        TestBackend { connection, _ in
            while true {
                let head = connection.receive(through: "\r\n\r\n")
                guard head.hasSuffix("\r\n\r\n") else {
                    if connection.isEnded { return }
                    continue
                }
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(head.utf8.count)\r\n\r\n\(head)")
            }
        }
    }
}
