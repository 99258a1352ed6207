import Manifests

/// The routes of one Gateway, to find those of a listener.
struct RoutesByListener: Sendable {
    private var numbers: [ListenerSection: [Int]] = [:]

    /// - Parameters:
    ///   - numbers: Where the routes stand in the list of their kind.
    ///   - parentRefs: Those of a route, by its number.
    init(_ numbers: [Int], of gateway: ResourceName, parentRefs: (Int) -> [ParentRef]) {
        for number in numbers {
            for section in parentRefs(number).sections(of: gateway) {
                self.numbers[section, default: []].append(number)
            }
        }
    }

    /// Whatever their hostnames.
    func hasOne(for listener: GatewayListener) -> Bool { listener.sections.contains { numbers[$0] != nil } }

    /// Whatever their hostnames; in their order, each once.
    func attached(to listener: GatewayListener) -> [Int] {
        let lists = listener.sections.compactMap { numbers[$0] }
        guard let first = lists.first else { return [] }
        return lists.count == 1 ? first : Set(lists.joined()).sorted()
    }
}
