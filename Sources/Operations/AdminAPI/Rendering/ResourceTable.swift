import Diagnostics
import Manifests

/// Tables of `heddle get`, one shape a kind.
struct ResourceTable {
    let set: ResourceSet
    /// `nil`: resources of all kinds, with what they have in common.
    let descriptor: KindDescriptor?

    func rendered(_ resources: [any Resource]) -> String {
        guard let descriptor else {
            var table = TextTable(["KIND", "NAME", "FILE"])
            for resource in resources {
                table.add([resource.kind.rawValue, "\(resource.metadata.name)", Self.file(resource)])
            }
            return table.rendered()
        }
        var table = TextTable(["NAME"] + descriptor.columns + ["FILE"])
        for resource in resources {
            table.add(["\(resource.metadata.name)"] + descriptor.cells(resource, in: set) + [Self.file(resource)])
        }
        return table.rendered()
    }

    private static func file(_ resource: any Resource) -> String {
        let position = resource.metadata.position
        return position.isInText ? "\(position.file):\(position.line)" : position.file
    }
}
