import ConfigMerging
import ConfigValues
import HTTPSemantics
import Manifests
import ServiceContracts

/// What one reader may see of a config, by the rules of one moment.
///
/// Each scalar is judged as the call for it alone: `GET /values/a/b`. A list is shown whole or not at all: all its items must be allowed. A value that a
/// reference or a fallback made is shown only to who may read all that it is made of, and all that the fallback looked at before. What may not be
/// seen is as if it were not there, and so is a map in which nothing may be: what a reader is told depends neither on what it may not read, nor on
/// whether that is there.
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
        /// The reader may not read it, whatever is there.
        case forbidden
        /// Nothing is there that the reader may see.
        case absent
    }

    func value(at path: ConfigPath) -> Answer {
        let value = version.evaluated.value[path]
        if let value, let view = view(of: value, at: path) { return .value(view) }
        // Nothing is to be seen. That goes by the rules for this path alone: not by why it is so.
        guard isAllowed(path) else { return .forbidden }
        guard path.isRoot, let value else { return .absent }
        return .value(ConfigValue(.map(ConfigMap()), origin: value.origin))
    }

    private func view(of value: ConfigValue, at path: ConfigPath) -> ConfigValue? {
        switch value.content {
        case .map(let map) where !map.isEmpty:
            let entries = map.entries.compactMap { entry in
                view(of: entry.value, at: path.appending(entry.key)).map { ConfigMap.Entry(entry.key, $0) }
            }
            return entries.isEmpty ? nil : ConfigValue(.map(ConfigMap(inOrder: entries)), origin: value.origin)
        default: return isWhole(value, at: path) ? value : nil
        }
    }

    /// Whether all of it may be seen: of a list all that is in it, and the list itself.
    private func isWhole(_ value: ConfigValue, at path: ConfigPath) -> Bool {
        switch value.content {
        case .map(let map) where !map.isEmpty:
            map.entries.allSatisfy { isWhole($0.value, at: path.appending($0.key)) }
        case .list(let items):
            isAllowedLeaf(path) && items.indices.allSatisfy { isWhole(items[$0], at: path.appending(String($0))) }
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
