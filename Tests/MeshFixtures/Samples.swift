import TestSupport

/// Manifests that several tests are about.
package enum Samples {
    /// A service with a route, rules and a gateway.
    package static let shop = """
        \(manifest("Service", "orders", "{protocol: HTTP}"))
        ---
        apiVersion: heddle/v1
        kind: Service
        metadata: {name: web, namespace: shop, labels: {team: a}}
        spec: {protocol: HTTP, hostnames: [web.example.com]}
        ---
        \(manifest("Workload", "orders-1", "{service: orders, address: \"127.0.0.1:8081\"}"))
        ---
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: web-1, namespace: shop}
        spec: {service: web, address: "127.0.0.1:8080", outbound: {listen: "127.0.0.1:15101"}}
        ---
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: orders, namespace: shop}
        spec:
          parentRefs: [{kind: Service, name: orders}]
          rules:
          - matches: [{path: {type: PathPrefix, value: /v2/orders}}]
            filters:
            - {type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /orders}}}
            backendRefs: [{name: orders}]
          - matches: [{path: {type: PathPrefix, value: /old}}]
            filters:
            - {type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /new}}}
          - matches: [{path: {type: PathPrefix, value: /none}}]
          - matches: [{path: {type: PathPrefix, value: /orders}}]
            backendRefs: [{name: orders}]
        ---
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: web-reads-orders, namespace: shop}
        spec:
          targetRefs: [{kind: Service, name: orders}]
          action: ALLOW
          rules:
          - from: [{source: {serviceAccounts: [shop/web]}}]
            to: [{operation: {methods: [GET], paths: ["/orders", "/orders/{**}"]}}]
        ---
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: no-tenant-b, namespace: shop}
        spec:
          targetRefs: [{kind: Service, name: orders}]
          action: DENY
          rules:
          - when: [{key: "request.headers[x-tenant]", values: [b]}]
        ---
        apiVersion: heddle/v1
        kind: Gateway
        metadata: {name: edge, namespace: shop}
        spec:
          listeners: [{name: http, port: 8443, protocol: HTTP, hostname: "*.example.com"}]
        ---
        apiVersion: heddle/v1
        kind: HTTPRoute
        metadata: {name: edge, namespace: shop}
        spec:
          parentRefs: [{name: edge}]
          hostnames: [shop.example.com]
          rules: [{backendRefs: [{name: orders}]}]
        """
}
