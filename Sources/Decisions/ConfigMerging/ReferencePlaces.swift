import ConfigValues
import Diagnostics

/// A text with references in it, and where it stands.
struct ReferencePlace: Sendable {
    let path: ConfigPath
    let text: ConfigValue
    let template: ReferenceTemplate
}

/// All texts with references of a tree, by path.
struct ReferencePlaces: Sendable {
    private(set) var places: [ReferencePlace] = []
    /// Keys of the longest path: that of a reference may have any number.
    private var deepest = 0

    var count: Int { places.count }

    subscript(index: Int) -> ReferencePlace { places[index] }

    // MARK: Looking for them

    init(in tree: ConfigValue, _ problems: inout [Diagnostic]) {
        var path: [String] = []
        add(tree, &path, &problems)
        sort()
    }

    /// - Parameters:
    ///   - previous: Of a tree from which this one differs as `change` says.
    init(in tree: ConfigValue, after previous: ReferencePlaces, _ change: TreeChange, _ problems: inout [Diagnostic]) {
        var path: [String] = []
        add(tree, change, &path, &problems)
        let isAnyGone = previous.isTouched(by: change)
        if !isAnyGone, places.isEmpty {
            self = previous
        } else {
            places += isAnyGone ? previous.places.filter { !change.touches($0.path) } : previous.places
            sort()
        }
    }

    private mutating func add(
        _ value: ConfigValue?, _ change: TreeChange, _ path: inout [String], _ problems: inout [Diagnostic]
    ) {
        guard let value else { return }
        guard case .keys(let keys) = change, value.map != nil || value.list != nil else {
            return add(value, &path, &problems)
        }
        for (key, change) in keys {
            path.append(key)
            add(value.child(key), change, &path, &problems)
            path.removeLast()
        }
    }

    private mutating func add(_ value: ConfigValue, _ path: inout [String], _ problems: inout [Diagnostic]) {
        switch value.content {
        case .null, .boolean, .number: break
        case .string(let text):
            guard !value.origin.isLiteral, ReferenceTemplate.isTemplate(text) else { return }
            do throws(ReferenceTemplate.Mistake) {
                let template = try ReferenceTemplate(text)
                places.append(ReferencePlace(path: ConfigPath(path), text: value, template: template))
            } catch {
                problems.add(MergingMistake.brokenReference(error, in: value, at: ConfigPath(path)))
            }
        case .list(let items):
            for (index, item) in items.enumerated() {
                path.append(String(index))
                add(item, &path, &problems)
                path.removeLast()
            }
        case .map(let map):
            for entry in map.entries {
                path.append(entry.key)
                add(entry.value, &path, &problems)
                path.removeLast()
            }
        }
    }

    /// Items of lists were met in another order, and what is new after what is old.
    private mutating func sort() {
        let isSorted = places.indices.dropFirst().allSatisfy { isBefore(places[$0 - 1], places[$0]) }
        if !isSorted { places.sort(by: isBefore) }
        deepest = places.map(\.path.keys.count).max() ?? 0
    }

    private func isBefore(_ left: ReferencePlace, _ right: ReferencePlace) -> Bool {
        ConfigPath.comparison(left.path.keys[...], right.path.keys[...]) < 0
    }

    // MARK: Finding them

    func isTouched(by change: TreeChange) -> Bool { places.contains { change.touches($0.path) } }

    /// Of each where it was among others; `nil`: nowhere, or it is touched.
    func indices(in others: ReferencePlaces, unless change: TreeChange) -> [Int?] {
        var other = 0
        return places.map { place in
            while other < others.count, isBefore(others[other], place) { other += 1 }
            guard other < others.count, !isBefore(place, others[other]), !change.touches(place.path) else { return nil }
            return other
        }
    }

    /// The first with one reference too many.
    func firstBeyond(_ limits: MergingLimits) -> ReferencePlace? {
        var count = 0
        return places.first { place in
            count += place.template.referenceCount
            return count > limits.references
        }
    }

    /// - Parameter path: All of it.
    func index(of path: ArraySlice<String>) -> Int? {
        let index = firstIndex(notBefore: path)
        return index < count && ConfigPath.comparison(places[index].path.keys[...], path) == 0 ? index : nil
    }

    /// The one that stands there or on the way there: no other does below it.
    func index(onTheWayTo path: ArraySlice<String>) -> Int? {
        (0...min(path.count, deepest)).lazy.compactMap { index(of: path.prefix($0)) }.first
    }

    /// Those that stand there or below.
    func range(below path: ArraySlice<String>) -> Range<Int> {
        let start = firstIndex(notBefore: path)
        var (low, high) = (start, count)
        while low < high {
            let middle = (low + high) / 2
            let keys = places[middle].path.keys
            let isBelow = keys.count >= path.count && ConfigPath.comparison(keys[..<path.count], path) == 0
            if isBelow { low = middle + 1 } else { high = middle }
        }
        return start..<low
    }

    /// Of those of a range, which all are below one path of that many keys: those that share the next key with the first.
    func group(at depth: Int, in range: Range<Int>) -> Range<Int> {
        let key = places[range.lowerBound].path.keys[depth]
        let end = range.first { !places[$0].path.keys[depth].hasSameBytes(as: key) }
        return range.lowerBound..<(end ?? range.upperBound)
    }

    private func firstIndex(notBefore path: ArraySlice<String>) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if ConfigPath.comparison(places[middle].path.keys[...], path) < 0 {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
