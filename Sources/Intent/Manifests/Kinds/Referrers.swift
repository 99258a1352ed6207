import Synchronization

/// Who names whom, the other way round from what resources say. Made when somebody asks first, and kept: serving never does.
final class Referrers: Sendable {
    private struct Place {
        let kind: ResourceKind
        let number: Int
        let field: String
    }

    private let lists: [(kind: ResourceKind, list: any ResourceListing)]
    private let found = Mutex<[ResourceIdentity: [Place]]?>(nil)

    init(_ lists: [(kind: ResourceKind, list: any ResourceListing)]) { self.lists = lists }

    /// - Returns: Where they stand in their list, each once.
    func numbers(of kind: ResourceKind, naming target: ResourceIdentity, by field: String) -> [Int] {
        var numbers: [Int] = []
        for place in places(of: target) where place.kind == kind && place.field == field && place.number != numbers.last
        {
            numbers.append(place.number)
        }
        return numbers
    }

    private func places(of target: ResourceIdentity) -> [Place] {
        found.withLock { found in
            if found == nil { found = index() }
            return found?[Self.key(target.kind, target.name)] ?? []
        }
    }

    private func index() -> [ResourceIdentity: [Place]] {
        var index: [ResourceIdentity: [Place]] = [:]
        for (kind, list) in lists {
            list.forEachReference { number, reference in
                index[Self.key(reference.kind, reference.name.value), default: []].append(
                    Place(kind: kind, number: number, field: reference.field))
            }
        }
        return index
    }

    private static func key(_ kind: ResourceKind, _ name: ResourceName) -> ResourceIdentity {
        ResourceIdentity(kind, kind.key(name))
    }
}
