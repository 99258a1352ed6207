package import Diagnostics

extension Service {
    package var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("protocol", `protocol`.rawValue)
        spec.add("hostnames", hostnames.map(\.value))
        if `protocol` != .tcp { spec.add("escapedSlashes", escapedSlashes.rawValue) }
        spec.add("endpoints", .array(endpoints.map { ["address": .string("\($0.value)")] }))
        return spec.json
    }
}
