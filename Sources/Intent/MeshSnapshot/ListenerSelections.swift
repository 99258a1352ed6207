import Manifests

/// The listeners that parentRefs select. ParentRefs that say the same are looked up once, so that routes and listeners of
/// a Gateway are not multiplied by each other.
struct ListenerSelections {
    private struct Key: Hashable {
        let gateway: ResourceName
        let section: ListenerSection
        let protocols: [ListenerProtocol]
    }

    /// Where a Gateway's listeners stand in its list.
    private var listeners: [ResourceName: [ListenerSection: [Int]]] = [:]
    private var selections: [Key: ListenerSelection] = [:]

    /// - Parameters:
    ///   - gateway: the one that `parent` names.
    ///   - protocols: that the route's kind attaches to.
    mutating func selection(
        of parent: ParentRef, in gateway: Gateway, for protocols: [ListenerProtocol]
    ) -> ListenerSelection {
        let key = Key(gateway: gateway.metadata.name, section: parent.section, protocols: protocols)
        if let known = selections[key] { return known }
        let numbers = listeners(of: gateway)[parent.section, default: []]
        let selection = ListenerSelection(numbers.map { gateway.listeners[$0] }, for: protocols)
        selections[key] = selection
        return selection
    }

    private mutating func listeners(of gateway: Gateway) -> [ListenerSection: [Int]] {
        if let known = listeners[gateway.metadata.name] { return known }
        var numbers: [ListenerSection: [Int]] = [:]
        for (number, listener) in gateway.listeners.enumerated() {
            for section in listener.sections { numbers[section, default: []].append(number) }
        }
        listeners[gateway.metadata.name] = numbers
        return numbers
    }
}

/// Some listeners of a Gateway.
struct ListenerSelection {
    let first: GatewayListener?
    /// Of those that a kind of routes attaches to.
    let firstFitting: GatewayListener?
    private var hostnames = HostnameSet<Int>()

    fileprivate init(_ selected: [GatewayListener], for protocols: [ListenerProtocol]) {
        let fitting = selected.filter { protocols.contains($0.protocol) }
        first = selected.first
        firstFitting = fitting.first
        for (number, listener) in fitting.enumerated() {
            hostnames.insert(listener.hostname.map { [$0.value] } ?? [], of: number)
        }
    }

    /// Whether one of those that fit takes a host of a route.
    /// - Parameter hostnames: The route's; empty: every one.
    func serves(_ hostnames: [Located<HostnamePattern>]) -> Bool { self.hostnames.sharesAny(of: hostnames) }
}
