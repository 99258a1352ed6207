import Diagnostics

extension ParentRef {
    /// - Parameter canBeService: whether the route may have a Service for a parent.
    func reference(canBeService: Bool = true) -> Reference {
        switch kind {
        case .service:
            Reference(
                "parentRefs", to: .service, name, .unknownService,
                or: .init(.gateway, remedy: "write kind: Gateway in the parentRef"))
        case .gateway:
            Reference(
                "parentRefs", to: .gateway, name, .unknownGateway,
                or: canBeService
                    ? .init(
                        .service, remedy: "write kind: Service in the parentRef: without a kind it names a Gateway")
                    : nil)
        }
    }
}

extension CallRouteRule {
    /// Where it sends calls, and copies of them.
    var references: [Reference] {
        filters.mirrors
            + backendRefs.flatMap { backend in
                [Reference("backendRefs", to: .service, backend.service, .unknownBackend)] + backend.filters.mirrors
            }
    }
}

extension [HTTPRouteFilter] {
    fileprivate var mirrors: [Reference] {
        compactMap { filter in
            guard case .requestMirror(let mirror) = filter else { return nil }
            return Reference("requestMirror", to: .service, mirror.backend, .unknownBackend)
        }
    }
}

extension ConnectionRule {
    var references: [Reference] {
        backendRefs.map { Reference("backendRefs", to: .service, $0.service, .unknownBackend) }
    }
}
