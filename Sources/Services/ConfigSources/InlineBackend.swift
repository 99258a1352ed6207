import ConfigValues
package import ServiceContracts

/// Values that stand in the manifest.
package final class InlineBackend: ConfigSourceBackend {
    private let tree: ConfigSourceTree

    init(_ data: ConfigValue) { tree = ConfigSourceTree(data) }

    package func start(_ tell: @escaping @Sendable (ConfigSourceNews) -> Void) { tell(.tree(tree)) }
    package func stop() {}
}
