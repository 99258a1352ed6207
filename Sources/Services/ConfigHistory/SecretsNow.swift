package import ConfigMerging
import ConfigValues

/// What of a past value nobody is shown though it was open then: whoever makes a source secret means what it said before, too.
///
/// What was secret then is secret anyhow: its origin says so. Marks are made before a value is made again, so that what it was made of by
/// references, fallbacks and lists is as secret.
package struct SecretsNow: Sendable {
    /// Names of sources that are secret now, as of `ConfigLayer`.
    package let names: Set<String>
    /// Those of all others.
    package let openNames: Set<String>
    /// What the secret ones among the Config's own sources say now. Where one of them says something, nothing is shown of
    /// what stood there: a source may have had another name before it was secret, or the value another source. Of one that cannot
    /// be read now nobody knows where; nothing is shown then of sources that are no more.
    package let layers: [ConfigLayer]

    package init(names: Set<String> = [], openNames: Set<String> = [], layers: [ConfigLayer] = []) {
        self.names = names
        self.openNames = openNames
        self.layers = layers
    }

    /// What the sources said is not known any more, or not yet.
    /// - Parameter sources: Names of the Config's own ones.
    package func before(_ sources: [String]) -> SecretsNow {
        let known = Dictionary(layers.map { ($0.name, $0) }) { first, _ in first }
        return SecretsNow(
            names: names, openNames: openNames,
            layers: sources.filter(names.contains).map { known[$0] ?? ConfigLayer(name: $0, tree: nil) })
    }

    /// What is published, as it may be shown: a source that was made secret may have said nothing since. Its layers are those
    /// of now, so that their names say all.
    package func hiding(_ evaluated: EvaluatedConfig) throws(ConfigRefusal) -> EvaluatedConfig {
        try EvaluatedConfig(markedByName(evaluated.recipe), after: evaluated)
    }

    /// What stays so: a source is secret, or is not. What places say passes with what is there.
    package func markedByName(_ recipe: ConfigRecipe) -> ConfigRecipe { SecretsNow(names: names).marked(recipe) }

    func marked(_ recipe: ConfigRecipe) -> ConfigRecipe {
        var recipe = recipe
        recipe.layers = recipe.layers.map(marked)
        recipe.defaults = recipe.defaults.map(marked)
        return recipe
    }

    /// - Returns: The very same layer where nothing of it is to be hidden by its place or its name.
    private func marked(_ layer: ConfigLayer) -> ConfigLayer {
        guard let tree = layer.tree else { return layer }
        let isGone = layer.name != Self.defaults && !openNames.contains(layer.name)
        if names.contains(layer.name) || isGone && layers.contains(where: { $0.tree == nil }) {
            return ConfigLayer(name: layer.name, tree: tree.asSecret)
        }
        // One with nothing in it says nothing of any path.
        let trees = layers.compactMap(\.tree).filter { $0.map?.isEmpty != true }
        guard !trees.isEmpty else { return layer }
        return ConfigLayer(name: layer.name, tree: Self.hiding(tree, where: trees))
    }

    /// The layer that is no source, and in the manifest itself.
    private static let defaults = "defaults"

    /// - Parameter secrets: What is secret at the same path, nothing at all left out.
    private static func hiding(_ value: ConfigValue, where secrets: [ConfigValue]) -> ConfigValue {
        guard !secrets.isEmpty else { return value }
        guard let map = value.map, !map.isEmpty, secrets.allSatisfy({ $0.map.map { !$0.isEmpty } ?? false }) else {
            return value.asSecret
        }
        let entries = map.entries.map { entry in
            ConfigMap.Entry(
                entry.key, hiding(entry.value, where: secrets.compactMap { $0.map?[entry.key] }),
                keyPosition: entry.keyPosition)
        }
        return ConfigValue(.map(ConfigMap(inOrder: entries)), origin: value.origin)
    }
}
