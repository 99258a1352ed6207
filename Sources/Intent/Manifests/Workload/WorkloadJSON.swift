package import Diagnostics

extension Workload {
    package var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("service", service?.value)
        spec.add("node", node?.value)
        spec.add("address", address.map { "\($0.value)" })
        spec.add("inbound", inboundPlain.map { ["plain": .string("\($0.value)")] })
        spec.add("serviceAccount", serviceAccount.value)
        spec.add("selectors", .array(selectors.map(\.json)))
        if let execUsers { spec.add("exec", ["users": .array(execUsers.map(\.json))]) }
        var outbound = JSONMembers()
        outbound.add("listen", outboundListen.map { "\($0.value)" })
        outbound.add(
            "tcp",
            .array(
                outboundTCP.map { outbound in
                    let service = outbound.service.value
                    let isOwn = service.namespace == metadata.name.namespace
                    return [
                        "service": .string(isOwn ? service.name : "\(service.name).\(service.namespace)"),
                        "listen": .string("\(outbound.listen.value)"),
                    ]
                }))
        spec.add("outbound", outbound.json)
        return spec.json
    }
}

extension WorkloadSelector {
    var json: JSONValue {
        var unix = JSONMembers()
        unix.add("user", user?.value)
        unix.add("uid", uid.map { .integer(Int($0)) })
        unix.add("group", group?.value)
        unix.add("gid", gid.map { .integer(Int($0)) })
        unix.add("path", path?.value)
        unix.add("sha256", sha256)
        var selector = JSONMembers()
        selector.add("unix", unix.json)
        selector.add("systemd", unit.map { ["unit": .string($0)] })
        selector.add("cgroup", controlGroup.map { ["path": .string($0)] })
        if isStarted { selector.addEmptyMapping("exec") }
        return selector.json
    }
}
