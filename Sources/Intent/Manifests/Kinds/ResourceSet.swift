/// Resources of all kinds: typed for who knows a kind, erased for who treats all alike. Immutable.
package struct ResourceSet: Sendable {
    /// In the order that people are shown them.
    package let kinds: [ResourceKind]
    private let lists: [ResourceKind: any ResourceListing]
    private let referrers: Referrers

    init(_ lists: [(kind: ResourceKind, list: any ResourceListing)]) {
        kinds = lists.map(\.kind)
        self.lists = Dictionary(uniqueKeysWithValues: lists.map { ($0.kind, $0.list) })
        referrers = Referrers(lists)
    }

    // MARK: Of a kind that is known

    package subscript<Value: Resource>(_ type: Value.Type) -> ResourceList<Value> {
        lists[Value.kind] as? ResourceList<Value> ?? ResourceList()
    }

    /// Those that name a resource in a field, each once, by name. Found when it is first asked for: for people who look.
    package func referrers<Value: Resource>(
        _ type: Value.Type, of target: some Resource, by field: String
    ) -> [Value] {
        let list = self[type]
        let identity = ResourceIdentity(target.kind, target.metadata.name)
        return referrers.numbers(of: Value.kind, naming: identity, by: field).map { list[$0] }
    }

    // MARK: Of any kind

    /// By kind, then by name.
    package var all: [any Resource] { kinds.flatMap(all) }

    /// By name.
    package func all(_ kind: ResourceKind) -> [any Resource] { lists[kind]?.resources ?? [] }
    package func count(_ kind: ResourceKind) -> Int { lists[kind]?.count ?? 0 }
    /// In no order.
    package func names(_ kind: ResourceKind) -> [ResourceName] { lists[kind]?.resourceNames ?? [] }
    package func has(_ target: ResourceIdentity) -> Bool { lists[target.kind]?.has(target.name) ?? false }

    /// In no order, and some several times.
    package var files: [String] { kinds.flatMap { lists[$0]?.files ?? [] } }

    package func forEachReference(_ body: (Reference) -> Void) {
        for kind in kinds { lists[kind]?.forEachReference { _, reference in body(reference) } }
    }
}
