import Diagnostics
import Manifests

/// A file as someone hands it in.
package struct AppliedFile: Sendable {
    /// For diagnostics: as the user named it.
    package let path: String
    package let bytes: [UInt8]

    package init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}

/// Puts resources into a set of files, and takes them out, in memory: each edit replaces or removes the bytes of one
/// document, and leaves every other byte as it is.
struct ManifestEditor<Manifests: ManifestReading> {
    /// What becomes of one file.
    struct Edit {
        let path: String
        /// `nil`: there is no such file yet.
        let before: [UInt8]?
        /// `nil`: the file goes.
        let after: [UInt8]?
    }

    private struct Place {
        let path: String
        let mention: ResourceMention
    }

    private let manifests: Manifests
    private let original: [String: [UInt8]]
    private var current: [String: [UInt8]]
    private var places: [ResourceIdentity: Place] = [:]
    private(set) var changes: [ResourceChange] = []

    /// - Parameter files: The set as it lies in the folder, each with what it decodes to.
    init(_ manifests: Manifests, files: [(source: ManifestSource, file: Manifests.File)]) {
        self.manifests = manifests
        original = Dictionary(uniqueKeysWithValues: files.map { ($0.source.path, $0.source.bytes) })
        current = original
        for entry in files { note(entry.file, path: entry.source.path) }
    }

    /// In the order of paths.
    var edits: [Edit] {
        Set(original.keys).union(current.keys).sorted().compactMap { path in
            original[path] == current[path] ? nil : Edit(path: path, before: original[path], after: current[path])
        }
    }

    /// The whole set with the edits in it, sorted by path.
    var files: [ManifestSource] {
        current.map { ManifestSource(path: $0.key, bytes: $0.value) }.sorted { $0.path < $1.path }
    }

    // MARK: Apply

    mutating func apply(_ applied: [AppliedFile]) throws(Rejection) {
        var problems: [Diagnostic] = []
        var incoming: [(mention: ResourceMention, text: [UInt8], file: AppliedFile)] = []
        var seen: Set<ResourceIdentity> = []
        for file in applied {
            let decoded = manifests.decode(file.bytes, path: file.path)
            problems += manifests.diagnostics(of: decoded).filter { $0.severity == .error }
            let documents = ManifestDocuments(file.bytes)
            for mention in manifests.resources(of: decoded) {
                guard seen.insert(mention.identity).inserted else {
                    problems.append(
                        Diagnostic(
                            .appliedTwice, at: mention.position, found: "\(mention.identity) again",
                            expected: "each resource once", remedy: "remove one of the two"))
                    continue
                }
                guard let index = documents.index(ofLine: mention.position.line) else { continue }
                let document = documents.documents[index]
                incoming.append((mention, Array(file.bytes[document.content]), file))
            }
        }
        if problems.isEmpty, incoming.isEmpty {
            let position = SourcePosition(file: applied.first?.path ?? "-", line: 1, column: 1)
            problems.append(
                Diagnostic(
                    .nothingToApply, at: position, found: "no resource", expected: "at least one",
                    remedy: "name a file or folder that holds manifests"))
        }
        guard problems.isEmpty else { throw Rejection(problems) }
        for (mention, text, file) in incoming {
            if let place = places[mention.identity] {
                try replace(place, with: text)
            } else {
                add(mention.identity, text, wholeFile: incoming.count == 1 && applied.count == 1 ? file.bytes : nil)
            }
        }
    }

    private mutating func replace(_ place: Place, with text: [UInt8]) throws(Rejection) {
        let bytes = current[place.path] ?? []
        let documents = ManifestDocuments(bytes)
        guard let index = documents.index(ofLine: place.mention.position.line) else { throw uneditable(place) }
        let content = documents.documents[index].content
        guard bytes[content] != text[...] else {
            changes.append(ResourceChange(identity: place.mention.identity, action: .unchanged, path: place.path))
            return
        }
        var edited = Array(bytes[..<content.lowerBound])
        if let last = edited.last, last != UInt8(ascii: "\n") { edited.append(UInt8(ascii: "\n")) }
        edited += text
        if edited.last != UInt8(ascii: "\n") { edited.append(UInt8(ascii: "\n")) }
        edited += bytes[content.upperBound...]

        // Nothing else may have changed: the other documents byte for byte, and the resources by name.
        let after = ManifestDocuments(edited)
        let decoded = manifests.decode(edited, path: place.path)
        let others = { (documents: ManifestDocuments, bytes: [UInt8]) in
            documents.documents.enumerated().filter { $0.offset != index }.map { Array(bytes[$0.element.bytes]) }
        }
        guard !manifests.diagnostics(of: decoded).contains(where: { $0.severity == .error }),
            after.documents.count == documents.documents.count, others(after, edited) == others(documents, bytes),
            manifests.resources(of: decoded).map(\.identity) == identities(in: place.path)
        else { throw uneditable(place) }
        current[place.path] = edited
        note(decoded, path: place.path)
        changes.append(ResourceChange(identity: place.mention.identity, action: .updated, path: place.path))
    }

    /// A new resource comes into a file of its own. One that was handed in alone keeps its comments.
    private mutating func add(_ identity: ResourceIdentity, _ text: [UInt8], wholeFile: [UInt8]?) {
        let stem = "\(identity.name.namespace)-\(identity.kind.rawValue.lowercased())-\(identity.name.name)"
        // Names are checked by the decoder; a file name is made of them only if it cannot lead elsewhere.
        let isPlain = stem.utf8.allSatisfy { byte in
            byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        let base = isPlain && !stem.hasPrefix(".") ? stem : "applied-\(ContentHash(of: Array(stem.utf8)))"
        var path = base + ".yaml"
        var number = 2
        while current[path] != nil || original[path] != nil {
            path = "\(base)-\(number).yaml"
            number += 1
        }
        var bytes = wholeFile ?? text
        if bytes.last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
        current[path] = bytes
        note(manifests.decode(bytes, path: path), path: path)
        changes.append(ResourceChange(identity: identity, action: .created, path: path))
    }

    // MARK: Delete

    mutating func delete(_ identity: ResourceIdentity) throws(Rejection) {
        guard let place = places[identity] else {
            throw Rejection([
                Diagnostic(
                    .unknownResource, at: SourcePosition(file: ".", line: 1, column: 1),
                    found: "no \(identity)", expected: "a resource of the mesh",
                    remedy: "see which there are with `heddle get \(identity.kind.rawValue)`")
            ])
        }
        let bytes = current[place.path] ?? []
        let documents = ManifestDocuments(bytes)
        guard let index = documents.index(ofLine: place.mention.position.line) else { throw uneditable(place) }
        let rest = identities(in: place.path).filter { $0 != identity }
        places[identity] = nil
        changes.append(ResourceChange(identity: identity, action: .deleted, path: place.path))
        guard !rest.isEmpty else {
            current[place.path] = nil
            return
        }
        let document = documents.documents[index]
        let kept = index == 0 ? header(of: bytes, before: document.content.lowerBound) : 0
        let edited = Array(bytes[..<(document.bytes.lowerBound + kept)] + bytes[document.bytes.upperBound...])
        let decoded = manifests.decode(edited, path: place.path)
        guard !manifests.diagnostics(of: decoded).contains(where: { $0.severity == .error }),
            manifests.resources(of: decoded).map(\.identity) == rest
        else { throw uneditable(place) }
        current[place.path] = edited
        note(decoded, path: place.path)
    }

    /// Bytes of a comment at the head of a file that a blank line sets apart from the first document.
    private func header(of bytes: [UInt8], before content: Int) -> Int {
        let newline = UInt8(ascii: "\n")
        var end = 0
        for index in bytes[..<content].indices.dropFirst() where bytes[index] == newline && bytes[index - 1] == newline
        {
            end = index + 1
        }
        return bytes.first == UInt8(ascii: "#") ? end : 0
    }

    // MARK: Places

    private mutating func note(_ file: Manifests.File, path: String) {
        for mention in manifests.resources(of: file) where places[mention.identity].map({ $0.path == path }) ?? true {
            places[mention.identity] = Place(path: path, mention: mention)
        }
    }

    /// In the order they stand in the file.
    private func identities(in path: String) -> [ResourceIdentity] {
        places.values.filter { $0.path == path }.sorted { $0.mention.position < $1.mention.position }
            .map(\.mention.identity)
    }

    private func uneditable(_ place: Place) -> Rejection {
        Rejection([
            Diagnostic(
                .uneditable, at: place.mention.position, found: "a document that cannot be changed by itself",
                expected: "one resource a document", remedy: "edit \(place.path) by hand")
        ])
    }
}
