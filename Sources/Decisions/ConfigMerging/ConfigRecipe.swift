package import ConfigValues
package import Diagnostics

/// One of the trees that a config is made of, as it is now. Who has it goes on giving the same object until the tree changes: so an
/// evaluation knows at once which of them did not.
package final class ConfigLayer: Sendable {
    /// What its values' origins have as their layer.
    package let name: String
    /// Within `ConfigLimits`; `nil`: the layer has nothing, as an optional source that is not there.
    package let tree: ConfigValue?

    package init(name: String, tree: ConfigValue?) {
        self.name = name
        self.tree = tree
    }
}

/// A path that takes another one's value where it has none of its own.
package struct ConfigFallback: Sendable, Hashable {
    package let path: ConfigPath
    /// The first of them that has a value gives it.
    package let from: [ConfigPath]
    package let position: SourcePosition

    package init(path: ConfigPath, from: [ConfigPath], position: SourcePosition) {
        self.path = path
        self.from = from
        self.position = position
    }

    /// The layer of what is written as a fallback; a value that it gives goes on saying where it is from itself.
    package static let layer = "fallbacks"

    package var origin: ValueOrigin { ValueOrigin(layer: Self.layer, position: position) }
}

/// All that a config is made of.
package struct ConfigRecipe: Sendable {
    /// Later ones over earlier ones.
    package var layers: [ConfigLayer]
    /// Under all layers.
    package var defaults: ConfigLayer?
    package var mergeKeys: MergeKeys
    /// In the order in which they are tried, after the merge.
    package var fallbacks: [ConfigFallback]
    package var limits: MergingLimits

    package init(
        layers: [ConfigLayer], defaults: ConfigLayer? = nil, mergeKeys: MergeKeys = MergeKeys(),
        fallbacks: [ConfigFallback] = [], limits: MergingLimits = MergingLimits()
    ) {
        self.layers = layers
        self.defaults = defaults
        self.mergeKeys = mergeKeys
        self.fallbacks = fallbacks
        self.limits = limits
    }

    /// From the lowest to the highest.
    var stack: [ConfigLayer] { (defaults.map { [$0] } ?? []) + layers }

    /// Whether only what the layers hold may be otherwise.
    func hasSameRules(as other: ConfigRecipe) -> Bool {
        layers.count == other.layers.count && (defaults == nil) == (other.defaults == nil)
            && mergeKeys.rules == other.mergeKeys.rules && fallbacks == other.fallbacks && limits == other.limits
    }
}

/// What references and fallbacks may ask of the process that follows them.
package struct MergingLimits: Sendable, Hashable {
    /// References of all texts together. Default: 10,000.
    package var references = 10_000
    /// Size of all that references and fallbacks copy: eight bytes a value, and the bytes of texts and keys. Default: 8 MiB.
    package var expansionByteCount = 8 << 20
    /// Deepest nesting that they may make, as `ConfigLimits.depth` is that of what is read. Default: 64.
    package var depth = 64

    package init() {}
}
