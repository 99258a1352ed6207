package import Diagnostics

extension TCPRoute {
    package var specJSON: JSONValue {
        let namespace = metadata.name.namespace
        return .route(in: namespace, parentRefs, [], rules: [rule.json(in: namespace)])
    }
}
