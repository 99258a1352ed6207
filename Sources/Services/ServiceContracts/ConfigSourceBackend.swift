package import ConfigValues
package import Diagnostics

/// A place where values come from, followed for as long as it is wanted. Each type of ConfigSource is one.
package protocol ConfigSourceBackend: AnyObject, Sendable {
    /// Begins to follow; called once. What was told last is what holds.
    /// - Parameter tell: On any thread, one thing after the other; the first within a few seconds, whatever the source does. What is
    ///   told after `stop` has returned is nobody's.
    func start(_ tell: @escaping @Sendable (ConfigSourceNews) -> Void)
    func stop()
}

/// What a source has to say.
package enum ConfigSourceNews: Sendable {
    /// All that it holds, as it was at one moment.
    case tree(ConfigSourceTree)
    /// It has just been asked, and holds what it held.
    case unchanged
    /// It cannot be read now, or what it holds means nothing. At least one error; nothing of a secret in them.
    case failure([Diagnostic])
}

package struct ConfigSourceTree: Sendable {
    /// A map. Its values' layer is the source's name, and all of them are secret if the source is.
    package let value: ConfigValue
    /// For people, of one that counts its versions: `revision 42`, an entity tag. `nil`: it has none.
    package let version: String?

    package init(_ value: ConfigValue, version: String? = nil) {
        self.value = value
        self.version = version
    }
}

extension Diagnostic.Code {
    /// A ConfigSource that cannot be read now.
    package static let sourceAway = Self("config.source-away")
    /// What a ConfigSource holds is no map.
    package static let sourceNoMap = Self("config.source-no-map")
    /// One of a ConfigSource's names is a value, and another one lies below it.
    package static let sourceClash = Self("config.source-clash")
    /// A name in a ConfigSource that can be no key.
    package static let sourceKey = Self("config.source-key")
}
