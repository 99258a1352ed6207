extension AuthorizationPolicy {
    package var references: [Reference] {
        targetServices.map { Reference("targetRefs", to: .service, $0, in: metadata.name.namespace, .unknownService) }
    }

    /// It is for a service, by name or as all of its namespace.
    func targets(_ service: ResourceName) -> Bool {
        metadata.name.namespace == service.namespace
            && (targetServices.isEmpty || targetServices.contains { $0.value == service.name })
    }

    static let descriptor = KindDescriptor(
        AuthorizationPolicy.self, plural: "authorizationpolicies", short: ["policy", "policies", "ap"],
        decode: AuthorizationPolicy.init,
        columns: [
            Column("ACTION") { $0.action.rawValue },
            Column("MODE") { $0.action == .audit ? "" : $0.mode.rawValue },
            Column("TARGETS") { policy in
                policy.targetServices.isEmpty ? "all" : policy.targetServices.map(\.value).joined(separator: ",")
            },
            Column("RULES") { String($0.rules.count) },
        ])
}
