import Manifests

/// What a parentRef says of a Gateway's listeners. By it listeners and routes find each other without being compared.
struct ListenerSection: Hashable, Sendable {
    /// `nil`: whatever they are called.
    let name: String?
    /// `nil`: on whatever port.
    let port: UInt16?
}

extension ParentRef {
    /// As `selects` has it, of the listeners of the Gateway that it names.
    var section: ListenerSection { ListenerSection(name: sectionName?.value, port: port?.value) }
}

extension GatewayListener {
    /// All that it is part of.
    var sections: [ListenerSection] {
        [
            ListenerSection(name: nil, port: nil), ListenerSection(name: name.value, port: nil),
            ListenerSection(name: nil, port: port.value), ListenerSection(name: name.value, port: port.value),
        ]
    }
}

extension [ParentRef] {
    /// Each once.
    func sections(of gateway: ResourceName) -> Set<ListenerSection> {
        Set(lazy.filter { $0.kind == .gateway && $0.name.value == gateway }.map(\.section))
    }
}
