import ConfigFormats
import ConfigValues
package import Diagnostics

extension Config {
    package var specJSON: JSONValue {
        let namespace = metadata.name.namespace
        var spec = JSONMembers()
        spec.add("sources", sources.map { $0.value.text(in: namespace) })
        spec.add(
            "mergeKeys",
            .array(mergeKeys.map { ["path": .string($0.path.value.dotted), "key": .string($0.key)] }))
        if let defaults { spec.addMapping("defaults", JSONValue(defaults.redacted)) }
        spec.add(
            "fallbacks",
            .array(
                fallbacks.map { fallback in
                    [
                        "path": .string(fallback.path.value.dotted),
                        "from": .array(fallback.from.map { .string($0.value.dotted) }),
                    ]
                }))
        switch schema {
        case .inline(let tree)?: spec.addMapping("schema", JSONValue(tree.redacted))
        case .file(let path)?: spec.add("schemaFile", path.value)
        case nil: break
        }
        spec.add("project", .array(projections.map { $0.json(in: namespace) }))
        spec.add("pinned", pinnedRevision.map { ["revision": .string($0.value)] })
        return spec.json
    }
}

extension ConfigProjection {
    fileprivate func json(in namespace: String) -> JSONValue {
        var item = JSONMembers()
        item.add("path", path.value)
        item.add("format", format.rawValue)
        item.add("workload", workload.value.text(in: namespace))
        item.add("mode", "0" + String(mode, radix: 8))
        item.add("owner", owner?.json)
        item.add("onChange", onChange?.json(in: namespace))
        return item.json
    }
}

extension ProjectionHook {
    fileprivate func json(in namespace: String) -> JSONValue {
        switch self {
        case .signalUnit(let signal, let unit): ["signal": .string(signal.rawValue), "unit": .string(unit)]
        case .signalProcess(let signal, let file):
            ["signal": .string(signal.rawValue), "pidFile": .string(file.value)]
        case .call(let service, let path):
            ["service": .string(service.value.callText(in: namespace)), "path": .string(path)]
        }
    }
}

extension ResourceName {
    /// As a field has it that may name one of another namespace: `name`, or `namespace/name`.
    func text(in own: String) -> String { namespace == own ? name : description }

    /// As a service is called: `name`, or `name.namespace`.
    fileprivate func callText(in own: String) -> String { namespace == own ? name : "\(name).\(namespace)" }
}
