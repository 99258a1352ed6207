/// A resource as people write it, of which a test says what it is about.
/// - Parameter spec: A flow mapping: `{protocol: HTTP}`.
package func manifest(_ kind: String, _ name: String, in namespace: String = "shop", _ spec: String) -> String {
    """
    apiVersion: heddle/v1
    kind: \(kind)
    metadata: {name: \(name), namespace: \(namespace)}
    spec: \(spec)
    """
}
