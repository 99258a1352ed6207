package import Diagnostics

extension TLSRoute {
    package var specJSON: JSONValue {
        let namespace = metadata.name.namespace
        return .route(in: namespace, parentRefs, hostnames, rules: [rule.json(in: namespace)])
    }
}
