import ConfigFormats
import ConfigValues
package import Diagnostics
import JSONSchemas
package import Manifests
package import Reconciliation
import SystemInterfaces

/// Reads the schemas of Configs, with the files that their references lead to.
package struct SchemaLoading {
    /// Files that one schema may lead to. Default: 100.
    static let fileLimit = 100
    /// Of one file, in bytes. Default: 1 MiB.
    static let byteLimit = 1 << 20

    /// Relative paths start at its base.
    private let boundary: FileBoundary

    package init(_ boundary: FileBoundary) { self.boundary = boundary }

    /// All Configs, with what is wrong with their schemas.
    package func load(_ configs: [Config]) -> (planned: [ConfigBoard.PlannedConfig], problems: [Diagnostic]) {
        var planned: [ConfigBoard.PlannedConfig] = []
        var problems: [Diagnostic] = []
        for config in configs {
            let (schema, text) = load(config, &problems)
            planned.append(ConfigBoard.PlannedConfig(config, schema: schema, schemaText: text))
        }
        return (planned, problems)
    }

    private func load(_ config: Config, _ problems: inout [Diagnostic]) -> (JSONSchema?, ConfigValue?) {
        let root: ConfigValue
        let place: String
        switch config.schema {
        case nil: return (nil, nil)
        case .inline(let value): (root, place) = (value, boundary.base + "/")
        case .file(let path):
            let absolute = path.value.hasPrefix("/") ? path.value : FileAccess.path(path.value, in: boundary.base)
            do throws(InvalidText) {
                root = try read(absolute, namedAt: path.position)
            } catch {
                problems += error.diagnostics
                return (nil, nil)
            }
            place = absolute
        }
        var documents: [SchemaRegistry.Document] = []
        var known: Set = [place]
        var waiting = files(of: root, at: place)
        while let next = waiting.popLast() {
            guard known.insert(next.path).inserted else { continue }
            guard documents.count < Self.fileLimit else {
                problems.append(.tooManyFiles(Self.fileLimit, at: next.position))
                return (nil, root)
            }
            do throws(InvalidText) {
                let value = try read(next.path, namedAt: next.position)
                documents.append(SchemaRegistry.Document(at: next.path, value))
                waiting += files(of: value, at: next.path)
            } catch {
                problems += error.diagnostics
            }
        }
        let schema = JSONSchema(root, at: place, registry: SchemaRegistry(documents), problems: &problems)
        return (schema, root)
    }

    private func read(_ path: String, namedAt position: SourcePosition) throws(InvalidText) -> ConfigValue {
        if let problem = boundary.strays(path, at: position) { throw InvalidText([problem]) }
        let content: FileAccess.Content
        do throws(SystemCallError) { content = try FileAccess.read(path, limit: Self.byteLimit) } catch {
            throw Self.unreadable(path, error.reason, at: position)
        }
        switch content {
        case .bytes(let bytes, _):
            let format = ConfigFormat(fileName: path) ?? .json
            return try format.read(bytes, of: TextOrigin(layer: "schema", file: path))
        case .busy: throw Self.unreadable(path, "a file that is being written", at: position)
        case .tooLarge: throw Self.unreadable(path, "more than \(Self.byteLimit >> 20) MiB", at: position)
        case .notAFile(let what): throw Self.unreadable(path, what, at: position)
        }
    }

    private static func unreadable(_ path: String, _ problem: String, at position: SourcePosition) -> InvalidText {
        InvalidText([
            Diagnostic(
                .schemaFile, at: position, found: "\(Diagnostic.quoted(path)): \(problem)",
                expected: "a file with a JSON Schema", remedy: "make it, or correct the path")
        ])
    }

    /// Where references lead that are paths: what a fragment or a scheme says is the schema's own affair.
    private func files(of schema: ConfigValue, at place: String) -> [(path: String, position: SourcePosition)] {
        switch schema.content {
        case .list(let items): return items.flatMap { files(of: $0, at: place) }
        case .map(let map):
            return map.entries.flatMap { entry -> [(path: String, position: SourcePosition)] in
                guard entry.key == "$ref" || entry.key == "$dynamicRef", case .string(let text) = entry.value.content
                else {
                    return files(of: entry.value, at: place)
                }
                let path = text.prefix { $0 != "#" }
                guard !path.isEmpty, !path.contains(":") else { return [] }
                return [(Self.resolved(String(path), against: place), entry.value.origin.position)]
            }
        default: return []
        }
    }

    /// RFC 3986 § 5.2, of paths alone.
    private static func resolved(_ path: String, against place: String) -> String {
        let base = path.hasPrefix("/") ? "" : place.lastIndex(of: "/").map { String(place[...$0]) } ?? ""
        return FileAccess.normalized(base + path)
    }
}

extension Diagnostic {
    fileprivate static func tooManyFiles(_ limit: Int, at position: SourcePosition) -> Diagnostic {
        Diagnostic(
            .schemaFile, at: position, found: "a reference to a further file, after \(limit)",
            expected: "a schema that leads to \(limit) files at most", remedy: "put several of them into one file")
    }
}

extension Diagnostic.Code {
    /// A file with a schema that cannot be read.
    package static let schemaFile = Self("config.schema-file")
}
