import Diagnostics
import Manifests

@testable import Reconciliation

/// Manifests of three lines a document, `service: name`, `value: text` and `end`, so that half a file is a mistake.
struct FakeManifests: ManifestReading {
    struct File: Sendable {
        let path: String
        var values: [(ResourceMention, String)] = []
        var diagnostics: [Diagnostic] = []
    }

    var keyFiles: [String] = []
    /// Told the path of each file that is decoded.
    var onDecode: @Sendable (String) -> Void = { _ in }

    func decode(_ bytes: [UInt8], path: String) -> File {
        onDecode(path)
        var file = File(path: path)
        for document in ManifestDocuments(bytes).documents where !document.content.isEmpty {
            let lines = String(decoding: bytes[document.content], as: UTF8.self).split(separator: "\n")
            let position = SourcePosition(file: path, line: document.lines.upperBound - 1, column: 1)
            guard lines.count >= 3, lines[0].hasPrefix("service: "), lines[1].hasPrefix("value: "), lines.last == "end"
            else {
                file.diagnostics.append(
                    Diagnostic(
                        Self.wrong, at: position, found: "half a resource", expected: "all of it", remedy: "end it"))
                continue
            }
            let name = ResourceName(namespace: "shop", name: String(lines[0].dropFirst(9)))
            file.values.append((ResourceMention(.service(name), at: position), String(lines[1].dropFirst(7))))
        }
        return file
    }

    func resources(of file: File) -> [ResourceMention] { file.values.map(\.0) }
    func resourceCount(of file: File) -> Int { file.values.count }
    func diagnostics(of file: File) -> [Diagnostic] { file.diagnostics }

    func resolve(
        _ files: [File], isNew: (SourcePosition) -> Bool
    ) -> (snapshot: [String: String]?, diagnostics: [Diagnostic]) {
        var diagnostics = files.flatMap(\.diagnostics)
        var snapshot: [String: String] = [:]
        for (mention, value) in files.flatMap(\.values) where snapshot.updateValue(value, forKey: mention.name) != nil {
            diagnostics.append(
                Diagnostic(Self.wrong, at: mention.position, found: "it twice", expected: "once", remedy: "remove one"))
        }
        return (diagnostics.isEmpty ? snapshot : nil, diagnostics)
    }

    func lint(_ snapshot: [String: String]) -> [Diagnostic] { [] }
    func watchedFiles(of snapshot: [String: String]) -> [String] { keyFiles }

    static let wrong = Diagnostic.Code("test.wrong")

    static func document(_ name: String, _ value: String) -> String { "service: \(name)\nvalue: \(value)\nend\n" }
}

extension ResourceIdentity {
    static func service(_ name: ResourceName) -> Self { ResourceIdentity(.service, name) }
    static func service(_ name: String) -> Self { .service(ResourceName(namespace: "shop", name: name)) }
}

extension ResourceMention {
    var name: String { identity.name.name }
}
