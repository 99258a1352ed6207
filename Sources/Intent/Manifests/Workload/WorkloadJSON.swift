package import Diagnostics

extension Workload {
    package var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("service", service?.value)
        spec.add("node", node?.value)
        spec.add("address", address.map { "\($0.value)" })
        spec.add("serviceAccount", serviceAccount.value)
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
