import ConfigMerging
import ConfigValues
import HTTPSemantics
import Manifests
import ServiceContracts

/// What one reader may see of a config, by the rules of one moment.
///
/// Each scalar is judged as the call for it alone: `GET /values/a/b`. A list is shown whole or not at all: all its items must be allowed. A value that a
/// reference or a fallback made is shown only to who may read all that it is made of. A map in which nothing may be seen is not there,
/// unless it is empty and may be read itself.
struct ReaderView {
    private let version: ConfigVersion
    private let resource: ResourceIdentity
    private let judge: Judge

    init(_ version: ConfigVersion, of resource: ResourceIdentity, by judge: Judge) {
        self.version = version
        self.resource = resource
        self.judge = judge
    }

    enum Answer {
        case value(ConfigValue)
        /// Nothing is there that the reader may know of.
        case forbidden
        /// The reader might read it, and it is not there.
        case absent
    }

    func value(at path: ConfigPath) -> Answer {
        guard let value = version.evaluated.value[path] else {
            return isAllowed(path) ? .absent : .forbidden
        }
        return view(of: value, at: path).map(Answer.value) ?? .forbidden
    }

    private func view(of value: ConfigValue, at path: ConfigPath) -> ConfigValue? {
        switch value.content {
        case .map(let map) where !map.isEmpty:
            let entries = map.entries.compactMap { entry in
                view(of: entry.value, at: path.appending(entry.key)).map { ConfigMap.Entry(entry.key, $0) }
            }
            return entries.isEmpty ? nil : ConfigValue(.map(ConfigMap(inOrder: entries)), origin: value.origin)
        case .list(let items):
            let isSeenWhole = items.indices.allSatisfy { isWhole(items[$0], at: path.appending(String($0))) }
            return isSeenWhole && isAllowedLeaf(path) ? value : nil
        default: return isAllowedLeaf(path) ? value : nil
        }
    }

    /// Whether all of what is in a list may be seen.
    private func isWhole(_ value: ConfigValue, at path: ConfigPath) -> Bool {
        switch value.content {
        case .map(let map) where !map.isEmpty:
            map.entries.allSatisfy { isWhole($0.value, at: path.appending($0.key)) }
        case .list(let items): items.indices.allSatisfy { isWhole(items[$0], at: path.appending(String($0))) }
        default: isAllowedLeaf(path)
        }
    }

    private func isAllowedLeaf(_ path: ConfigPath) -> Bool {
        isAllowed(path) && version.views.behind(path).allSatisfy(isReadable)
    }

    /// Whether what is copied from there may be read: if it is a map or a list, all that is in it.
    private func isReadable(_ path: ConfigPath) -> Bool {
        guard let value = version.evaluated.value[path] else { return isAllowed(path) }
        switch value.content {
        case .map(let map) where !map.isEmpty:
            return map.entries.allSatisfy { isReadable(path.appending($0.key)) }
        case .list(let items) where !items.isEmpty:
            return isAllowed(path) && items.indices.allSatisfy { isReadable(path.appending(String($0))) }
        default: return isAllowed(path)
        }
    }

    private func isAllowed(_ path: ConfigPath) -> Bool {
        judge.allows(.get, Self.resourcePath(path), of: resource)
    }

    static func resourcePath(_ path: ConfigPath) -> ResourcePath {
        var place = ResourcePath(below: "/values")
        for key in path.keys { place.append(key) }
        return place
    }
}
