import ConfigValues
import Diagnostics

/// What texts with references stand for, one after the other; what is put in their place is not read again.
struct ReferenceResolution {
    /// A value that a text stands for, and what it counts of `MergingLimits.expansionByteCount`.
    struct Resolved: Sendable {
        let value: ConfigValue
        let byteCount: Int
    }

    /// Of each place; `nil` as long as it is not known, and where it cannot be.
    private(set) var resolved: [Resolved?]
    private(set) var problems: [Diagnostic] = []
    /// Places that were not known before.
    private var fresh: [Int] = []

    /// With fallbacks, and with the texts as they are written.
    private let tree: ConfigValue
    private let places: ReferencePlaces
    private let limits: MergingLimits
    private var byteCount: Int

    /// - Parameter byteCount: What fallbacks copied already.
    init(_ places: ReferencePlaces, in tree: ConfigValue, _ limits: MergingLimits, byteCount: Int) {
        self.places = places
        self.tree = tree
        self.limits = limits
        self.byteCount = byteCount
        resolved = Array(repeating: nil, count: places.count)
    }

    /// The tree with all texts resolved; `nil`: one of them is not known.
    var value: ConfigValue? { placed(tree, 0..<places.count, 0) }

    /// - Parameter change: What of the resolved tree is otherwise than in `previous`.
    func value(after previous: ConfigValue, _ change: TreeChange?) -> ConfigValue? {
        change.map { updated(previous, to: tree, $0, []) } ?? previous
    }

    private func updated(
        _ previous: ConfigValue?, to value: ConfigValue, _ change: TreeChange, _ path: [String]
    ) -> ConfigValue? {
        guard case .keys(let keys) = change, let old = previous?.map, let map = value.map else {
            return placed(value, places.range(below: path[...]), path.count)
        }
        var edits: [(key: String, entry: ConfigMap.Entry?)] = []
        for (key, change) in keys {
            guard let entry = map.entry(key) else {
                edits.append((key, nil))
                continue
            }
            guard let child = updated(old[key], to: entry.value, change, path + [key]) else { return nil }
            edits.append((key, ConfigMap.Entry(key, child, keyPosition: entry.keyPosition)))
        }
        return ConfigValue(.map(old.edited(edits)), origin: value.origin)
    }

    // MARK: In order

    mutating func resolveAll(_ order: ReferenceOrder) {
        for circle in order.circles {
            let way = shown(order.way(around: circle))
            problems.add(MergingMistake.cycle(way, in: places[circle[0]].text))
        }
        for index in order.order {
            guard resolve(index) else { return }
        }
    }

    /// - Parameters:
    ///   - known: What each place stood for before, of those that are the same.
    ///   - change: How the tree differs from the one before. Takes up what stands for something else now.
    mutating func resolve(_ order: [Int], knowing known: [Resolved?], _ change: inout TreeChange?) {
        var growing = GrowingChange(change)
        defer { change = growing.change }
        for index in order {
            let place = places[index]
            if let before = known[index], !place.template.targets.contains(where: growing.touches) {
                resolved[index] = before
                byteCount += before.byteCount
                continue
            }
            guard resolve(index) else { return }
            if let before = known[index], let now = resolved[index], before.value.isExactly(now.value) { continue }
            growing.add(place.path)
        }
        guard byteCount > limits.expansionByteCount, let last = order.last else { return }
        problems.add(MergingMistake.tooLarge(limits, at: places[last].text.origin.position))
    }

    /// - Returns: `false`: no more is to be copied.
    private mutating func resolve(_ index: Int) -> Bool {
        let place = places[index]
        let room = limits.expansionByteCount - byteCount
        let value = place.template.whole.map { typed($0, place) } ?? text(place, room)
        switch value {
        case .unknown: return true
        case .tooLarge: break
        case .known(let value):
            let size = CopiedSize(of: value, limit: room)
            guard size.byteCount <= room else { break }
            guard place.path.keys.count + size.depth <= limits.depth else {
                problems.add(MergingMistake.tooDeep(limits, at: place.text.origin.position, path: place.path))
                return true
            }
            byteCount += size.byteCount
            fresh.append(index)
            resolved[index] = Resolved(value: value, byteCount: size.byteCount)
            return true
        }
        problems.add(MergingMistake.tooLarge(limits, at: place.text.origin.position))
        return false
    }

    private enum Outcome {
        case known(ConfigValue)
        /// It is said why, of this place or of one that it needs.
        case unknown
        case tooLarge
    }

    /// What a text that is one reference stands for.
    private mutating func typed(_ target: ConfigPath, _ place: ReferencePlace) -> Outcome {
        guard let value = value(target, for: place) else { return .unknown }
        return .known(place.text.origin.isSecret ? value.asSecret : value)
    }

    private mutating func text(_ place: ReferencePlace, _ room: Int) -> Outcome {
        var text = ""
        var isSecret = place.text.origin.isSecret
        var isKnown = true
        for part in place.template.parts {
            switch part {
            case .text(let plain): text += plain
            case .reference(let target):
                guard let value = value(target, for: place) else {
                    isKnown = false
                    continue
                }
                guard let piece = value.textInText else {
                    problems.add(MergingMistake.referenceInText(value, target, in: place.text, at: place.path))
                    isKnown = false
                    continue
                }
                text += piece
                isSecret = isSecret || value.origin.isSecret
            }
            if text.utf8.count > room { return .tooLarge }
        }
        guard isKnown else { return .unknown }
        let origin = place.text.origin
        return .known(
            ConfigValue(
                .string(text),
                origin: ValueOrigin(layer: origin.layer, position: origin.position, isSecret: isSecret)))
    }

    // MARK: What a path leads to

    /// - Returns: `nil`: it is said why, of this place or of one that it needs.
    private mutating func value(_ target: ConfigPath, for place: ReferencePlace) -> ConfigValue? {
        let keys = target.keys[...]
        var found = tree
        for (depth, key) in target.keys.enumerated() {
            // A text on the way stands for a value with keys, perhaps.
            if case .string = found.content, let index = places.index(of: keys.prefix(depth)) {
                guard let resolved = resolved[index] else { return nil }
                guard let value = resolved.value[ConfigPath(Array(keys[depth...]))] else {
                    return unknown(target, for: place)
                }
                return value
            }
            guard let next = found.child(key) else { return unknown(target, for: place) }
            found = next
        }
        return placed(found, places.range(below: keys), target.keys.count)
    }

    private mutating func unknown(_ target: ConfigPath, for place: ReferencePlace) -> ConfigValue? {
        problems.add(MergingMistake.unknownReference(target, in: place.text, at: place.path))
        return nil
    }

    /// - Parameter range: The places in the value, which stands at that depth.
    /// - Returns: `nil`: one of them is not known.
    private func placed(_ value: ConfigValue, _ range: Range<Int>, _ depth: Int) -> ConfigValue? {
        guard let first = range.first else { return value }
        if places[first].path.keys.count == depth { return resolved[first]?.value }
        var rest = range
        switch value.content {
        case .null, .boolean, .number, .string: return value
        case .list(var items):
            while !rest.isEmpty {
                let group = places.group(at: depth, in: rest)
                rest = group.upperBound..<rest.upperBound
                guard let index = ConfigPath.index(places[group.lowerBound].path.keys[depth]),
                    let item = placed(items[index], group, depth + 1)
                else { return nil }
                items[index] = item
            }
            return ConfigValue(.list(items), origin: value.origin)
        case .map(var map):
            while !rest.isEmpty {
                let group = places.group(at: depth, in: rest)
                rest = group.upperBound..<rest.upperBound
                guard let index = map.index(of: places[group.lowerBound].path.keys[depth]),
                    let placed = placed(map.entries[index].value, group, depth + 1)
                else { return nil }
                map.change(at: index) { $0 = placed }
            }
            return ConfigValue(.map(map), origin: value.origin)
        }
    }

    // MARK: Types

    /// That what stands over something is of its type.
    /// - Parameter new: Paths of checks that are to be made though what stands there was known.
    mutating func hold(to checks: ReferenceChecks, new: [ConfigPath] = []) {
        let known = new.compactMap { places.index(of: $0.keys[...]) }
        for index in fresh + known {
            guard let check = checks[places[index].path], let value = resolved[index]?.value else { continue }
            let shape = value.resolvedShape
            if shape != check.shape, shape != .null {
                problems.add(MergingMistake.clash(value, by: places[index].text, check))
            }
        }
    }

    /// As people are shown a circle: where references stand, and between two of them what the first leads to, where that is not the second.
    private func shown(_ way: [Int]) -> [ConfigPath] {
        var paths = [places[way[0]].path]
        for (index, next) in zip(way, way.dropFirst()) {
            let path = places[next].path
            let target = places[index].template.targets.first { $0.leads(to: path) || path.leads(to: $0) }
            if let target, target != path { paths.append(target) }
            paths.append(path)
        }
        return paths
    }
}

extension ConfigValue {
    /// As it stands within a text.
    fileprivate var textInText: String? {
        switch content {
        case .boolean(let value): value ? "true" : "false"
        case .number(let number): number.text
        case .string(let text): text
        case .null, .list, .map: nil
        }
    }

    /// Its texts refer to nothing any more, whatever they look like.
    fileprivate var resolvedShape: Shape {
        switch content {
        case .null: .null
        case .boolean, .number, .string: .scalar
        case .list: .list
        case .map: .map
        }
    }
}
