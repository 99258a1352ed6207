import CommonValues
import ConfigFormats
import ConfigMerging
import ConfigValues
import Diagnostics
import Manifests
import Synchronization
import SystemInterfaces
import TestSupport

@testable import ConfigHistory

/// A state folder, and what is published into it.
struct HistoryWorld {
    let scratch = ScratchFolder()
    let held: HeldFolder
    static let web = ResourceName(namespace: "shop", name: "web")

    init() throws {
        held = HeldFolder(scratch.path)
        try held.hold(try OpenFolder(scratch.path, followingLink: true))
    }

    func store(_ limits: HistoryLimits = HistoryLimits(), _ writer: FileWriter = FileWriter()) -> HistoryStore {
        HistoryStore(held, limits, writer)
    }

    /// Of sources in order: what they are called, what they say, whether they are secret.
    static func evaluated(
        _ sources: [(name: String, json: String, isSecret: Bool)], defaults: String? = nil,
        fallbacks: [ConfigFallback] = [], mergeKeys: [MergeKeys.Rule] = []
    ) throws -> EvaluatedConfig {
        func layer(_ name: String, _ json: String, _ isSecret: Bool) throws -> ConfigLayer {
            let origin = TextOrigin(layer: name, file: "\(name).json", isSecret: isSecret)
            return ConfigLayer(name: name, tree: try ConfigFormat.json.read(Array(json.utf8), of: origin))
        }
        return try EvaluatedConfig(
            ConfigRecipe(
                layers: try sources.map { try layer($0.name, $0.json, $0.isSecret) },
                defaults: try defaults.map { try layer("defaults", $0, false) }, mergeKeys: MergeKeys(mergeKeys),
                fallbacks: fallbacks))
    }

    static func evaluated(_ json: String, file: String = "shop/base") throws -> EvaluatedConfig {
        try evaluated([(file, json, false)])
    }

    static func published(_ evaluated: EvaluatedConfig, at seconds: Int64 = 0) -> HistoryStore.Published {
        HistoryStore.Published(
            recipe: evaluated.recipe, value: evaluated.value, revision: ConfigRevision.of(evaluated.value),
            time: UnixTime(seconds: seconds))
    }

    static func published(_ json: String, at seconds: Int64 = 0, file: String = "shop/base") throws
        -> HistoryStore.Published
    {
        published(try evaluated(json, file: file), at: seconds)
    }

    static func number(_ number: Int) throws -> HistoryStore.Published {
        try published("{\"n\":\(number)}", at: Int64(number))
    }

    @discardableResult
    func keep(_ json: String, at seconds: Int64 = 0, in store: HistoryStore? = nil) throws -> [Diagnostic] {
        try (store ?? self.store()).keep(try Self.published(json, at: seconds), of: Self.web).warnings
    }

    /// From the newest to the oldest.
    func values(_ store: HistoryStore? = nil) throws -> [String] {
        let store = store ?? self.store()
        return try store.contents(of: Self.web).entries.reversed().map { entry in
            let past = try store.past(entry, of: Self.web)
            return String(decoding: try past.evaluated().value.json(), as: UTF8.self)
        }
    }

    var folder: String { "\(scratch.path)/configs/shop/web" }

    func files() throws -> [String] { try FileAccess.names(inFolder: folder).names }
}
