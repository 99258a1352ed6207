import ConfigFormats
import ConfigValues
package import Diagnostics

extension ConfigSource {
    package var specJSON: JSONValue {
        var spec = JSONMembers()
        spec.add("type", type.rawValue)
        switch backing {
        case .inline(let data): spec.addMapping("data", JSONValue(data.redacted))
        case .file(let file):
            spec.add("path", file.path.value)
            spec.add("format", file.format.rawValue)
            if file.format == .dotenv { file.names.add(to: &spec) }
        case .folder(let folder):
            spec.add("path", folder.path.value)
            spec.add("types", folder.types.rawValue)
        case .environment(let environment): environment.add(to: &spec)
        case .http(let http): http.add(to: &spec)
        case .etcd(let etcd): etcd.add(to: &spec)
        }
        switch backing {
        case .inline, .environment: break
        case .file, .folder, .http, .etcd:
            spec.add("optional", .bool(isOptional))
            spec.add("onError", onError.rawValue)
        }
        spec.add("secret", .bool(isSecret))
        spec.add("references", .bool(hasReferences))
        return spec.json
    }
}

extension EnvironmentSource {
    fileprivate func add(to spec: inout JSONMembers) {
        spec.add("prefix", prefix)
        spec.add("strip", .bool(isStripped))
        spec.add("separator", separator)
        spec.add("types", types.rawValue)
    }
}

extension DotenvNames {
    fileprivate func add(to spec: inout JSONMembers) {
        if !prefix.isEmpty { spec.add("prefix", prefix) }
        spec.add("strip", .bool(isStripped))
        spec.add("separator", separator)
        spec.add("types", types.rawValue)
    }
}

extension HTTPSource {
    fileprivate func add(to spec: inout JSONMembers) {
        spec.add("url", "\(url.value)")
        spec.add("interval", interval)
        spec.add("format", format.rawValue)
        spec.add("headersFrom", .object(headers.map { ($0.name.value, .string($0.file.value)) }))
        spec.add("caFile", caFile?.value)
        if format == .dotenv { names.add(to: &spec) }
    }
}

extension EtcdSource {
    fileprivate func add(to spec: inout JSONMembers) {
        spec.add("endpoints", endpoints.map { "\($0.value)" })
        spec.add("prefix", prefix)
        spec.add("types", types.rawValue)
        var files = JSONMembers()
        files.add("caFile", tls.caFile?.value)
        files.add("certFile", tls.certificate?.certFile.value)
        files.add("keyFile", tls.certificate?.keyFile.value)
        spec.add("tls", files.json)
        spec.add("user", user?.name.value)
        spec.add("passwordFile", user?.passwordFile.value)
    }
}
