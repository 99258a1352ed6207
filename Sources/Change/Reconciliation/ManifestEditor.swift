import Diagnostics
import Manifests

/// A file as someone hands it in.
package struct AppliedFile: Sendable, Hashable {
    /// As the user named it, and as positions in it call it. It says nothing of where the resources are written.
    package let path: String
    package let bytes: [UInt8]

    package init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}

/// Puts resources into a set of files, and takes them out, in memory: each edit replaces or removes the bytes of one
/// document, and leaves every other byte as it is. Takes time in proportion to the files that it reads and changes.
struct ManifestEditor<Manifests: ManifestReading>: Sendable {
    private struct Place {
        let path: String
        let mention: ResourceMention
    }

    /// A file that is not as it lies in the folder.
    private struct Edited {
        let text: EditedText
        let file: Manifests.File
    }

    /// A file that was handed in, taken apart.
    private struct Incoming {
        let given: AppliedFile
        let text: EditedText
        let documents: ManifestDocuments
        /// Each with its document.
        var resources: [(mention: ResourceMention, document: Int)] = []
    }

    private struct Replacement {
        let place: Place
        let text: EditedText
        let document: ManifestDocuments.Document
    }

    private let manifests: Manifests
    private let folder: String
    private let isTaken: @Sendable (String) -> Bool
    private let original: [String: DecodedSet<Manifests>.Entry]
    /// `nil`: the file goes.
    private var edited: [String: Edited?] = [:]
    private var places: [ResourceIdentity: Place] = [:]
    private var givenNames: Set<String> = []
    private(set) var changes: [ResourceChange] = []

    /// - Parameters:
    ///   - set: As it lies in the folder.
    ///   - folder: Absolute.
    ///   - isTaken: Whether a name is no file's: a folder has it.
    init(
        _ manifests: Manifests, _ set: DecodedSet<Manifests>, folder: String,
        isTaken: @escaping @Sendable (String) -> Bool = { _ in false }
    ) {
        self.manifests = manifests
        self.isTaken = isTaken
        self.folder = folder
        original = Dictionary(uniqueKeysWithValues: set.entries.map { ($0.source.path, $0) })
        for entry in set.entries { note(entry.file, path: entry.source.path) }
    }

    /// In the order of paths.
    var edits: [ManifestWriter.Edit] {
        edited.keys.sorted().compactMap { path in
            let before = original[path]?.source.bytes
            let after = edited[path]??.text.bytes
            return before == after ? nil : ManifestWriter.Edit(path: path, before: before, after: after)
        }
    }

    /// The whole set with the edits in it, each file decoded already, sorted by path.
    var entries: [DecodedSet<Manifests>.Entry] {
        var entries = original
        for (path, change) in edited {
            entries[path] = change.map { change in
                DecodedSet.Entry(
                    source: ManifestSource(path: path, bytes: change.text.bytes), file: change.file,
                    resourceCount: manifests.resourceCount(of: change.file))
            }
        }
        return entries.values.sorted { $0.source.path < $1.source.path }
    }

    // MARK: Apply

    mutating func apply(_ applied: [AppliedFile]) throws(Rejection) {
        let incoming = try takenApart(applied)
        givenNames.formUnion(applied.map(\.path))
        var replacements: [String: [Replacement]] = [:]
        var order: [(identity: ResourceIdentity, isNew: Bool)] = []
        for file in incoming {
            for (mention, document) in file.resources {
                let place = places[mention.identity]
                order.append((mention.identity, place == nil))
                guard let place else { continue }
                replacements[place.path, default: []].append(
                    Replacement(place: place, text: file.text, document: file.documents.documents[document]))
            }
        }
        var unchanged: Set<ResourceIdentity> = []
        for (path, replacements) in replacements.sorted(by: { $0.key < $1.key }) {
            unchanged.formUnion(try replace(replacements, in: path))
        }
        for file in incoming { try add(file) }
        for (identity, isNew) in order {
            let action: ResourceChange.Action =
                isNew ? .created : unchanged.contains(identity) ? .unchanged : .updated
            changes.append(
                ResourceChange(identity: identity, action: action, path: places[identity]?.path ?? ""))
        }
    }

    /// Decodes each file once.
    private func takenApart(_ applied: [AppliedFile]) throws(Rejection) -> [Incoming] {
        var problems: [Diagnostic] = []
        var seen: [ResourceIdentity: SourcePosition] = [:]
        var incoming: [Incoming] = []
        for given in applied {
            let decoded = manifests.decode(given.bytes, path: given.path)
            problems += manifests.diagnostics(of: decoded).filter { $0.severity == .error }
            // A byte order mark is not for the middle of a file.
            let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
            let bytes = given.bytes.starts(with: mark) ? Array(given.bytes.dropFirst(mark.count)) : given.bytes
            var file = Incoming(
                given: given, text: EditedText(bytes, from: .given(given.path)), documents: ManifestDocuments(bytes))
            var documents: Set<Int> = []
            for mention in manifests.resources(of: decoded) {
                if let first = seen[mention.identity] {
                    problems.append(
                        Diagnostic(
                            .appliedTwice, at: mention.position, found: "\(mention.identity) again",
                            expected: "each resource once",
                            remedy: first == mention.position
                                ? "name \(Diagnostic.quoted(given.path)) once: it was handed over twice"
                                : "remove this one, or the one at \(first)"))
                    continue
                }
                seen[mention.identity] = mention.position
                guard let index = file.documents.index(ofLine: mention.position.line),
                    documents.insert(index).inserted
                else {
                    problems.append(contentsOf: uneditable(mention, in: given.path).diagnostics)
                    continue
                }
                file.resources.append((mention, index))
            }
            incoming.append(file)
        }
        if problems.isEmpty, seen.isEmpty {
            let position = applied.first.map { SourcePosition(file: $0.path, line: 1, column: 1) } ?? .manifestsFolder
            problems.append(
                Diagnostic(
                    .nothingToApply, at: position, found: "no resource", expected: "at least one",
                    remedy: "name a file or folder that holds manifests"))
        }
        guard problems.isEmpty else { throw Rejection(problems) }
        return incoming
    }

    /// - Returns: Those that say the same already.
    private mutating func replace(
        _ replacements: [Replacement], in path: String
    ) throws(Rejection) -> Set<ResourceIdentity> {
        let before = text(path)
        let documents = ManifestDocuments(before.bytes)
        var byDocument: [Int: Replacement] = [:]
        var unchanged: Set<ResourceIdentity> = []
        for replacement in replacements {
            let mention = replacement.place.mention
            guard let index = documents.index(ofLine: mention.position.line), byDocument[index] == nil else {
                throw uneditable(mention, in: path)
            }
            let old = before.bytes[documents.documents[index].content]
            if old == replacement.text.bytes[replacement.document.content] {
                unchanged.insert(mention.identity)
            } else {
                byDocument[index] = replacement
            }
        }
        guard let first = byDocument.keys.min() else { return unchanged }

        var after = EditedText()
        var offset = 0
        var line = 1
        for index in byDocument.keys.sorted() {
            guard let replacement = byDocument[index] else { continue }
            let old = documents.documents[index]
            let new = replacement.document
            after.append(before, offset..<old.content.lowerBound, line: line)
            after.append(replacement.text, new.content, line: new.contentLines.lowerBound)
            after.endLine()
            offset = old.content.upperBound
            line = old.contentLines.upperBound
        }
        after.append(before, offset..<before.bytes.count, line: line)

        // Nothing else may have changed: the other documents byte for byte, and the resources by name.
        let decoded = manifests.decode(after.bytes, path: path)
        let documentsAfter = ManifestDocuments(after.bytes)
        let othersStay =
            documentsAfter.documents.count == documents.documents.count
            && documents.documents.indices.allSatisfy { index in
                byDocument[index] != nil
                    || after.bytes[documentsAfter.documents[index].bytes]
                        == before.bytes[documents.documents[index].bytes]
            }
        guard othersStay, isRight(decoded), identities(of: decoded) == identities(in: path) else {
            throw uneditable(byDocument[first]?.place.mention ?? replacements[0].place.mention, in: path)
        }
        set(path, to: after, decoded)
        return unchanged
    }

    /// What is new comes into a file of its own, with its comments: all of a file that has nothing else as it is.
    private mutating func add(_ incoming: Incoming) throws(Rejection) {
        let new = incoming.resources.filter { places[$0.mention.identity] == nil }
        guard let first = new.first else { return }
        let isWhole = new.count == incoming.resources.count
        var text = EditedText()
        if isWhole {
            text = EditedText(incoming.given.bytes, from: .given(incoming.given.path))
        } else {
            for (_, index) in new {
                let document = incoming.documents.documents[index]
                // Nothing stands before the first that it would have to be parted from.
                let skipped = text.bytes.isEmpty ? bareMarker(in: incoming.text.bytes[document.bytes]) : 0
                text.append(
                    incoming.text, document.bytes.lowerBound + skipped..<document.bytes.upperBound,
                    line: document.lines.lowerBound + (skipped == 0 ? 0 : 1))
            }
        }
        let path = freeName(isWhole ? incoming.given.path : "", first.mention.identity)
        let decoded = manifests.decode(text.bytes, path: path)
        guard isRight(decoded), identities(of: decoded) == new.map(\.mention.identity) else {
            throw uneditable(first.mention, in: incoming.given.path)
        }
        set(path, to: text, decoded)
    }

    /// Bytes of the first line if it is a marker and nothing else.
    private func bareMarker(in document: ArraySlice<UInt8>) -> Int {
        let end = LineBreak.lineEnd(in: document, from: document.startIndex)
        let line = document[..<end].filter { !LineBreak.isBreak($0) && $0 != UInt8(ascii: " ") }
        return line.elementsEqual("---".utf8) ? end - document.startIndex : 0
    }

    /// The name that it has already, if that is a manifest's and free; else one made of the resource's.
    /// - Parameter given: As the user named it; empty if it is only part of that file.
    private func freeName(_ given: String, _ identity: ResourceIdentity) -> String {
        let ownName = String(given.split(separator: "/").last ?? "")
        if ManifestName.isManifest(ownName), Self.isPlain(ownName), isFree(ownName) { return ownName }
        let stem = "\(identity.name.namespace)-\(identity.kind.rawValue.lowercased())-\(identity.name.name)"
        // Names are checked by the decoder; a file name is made of them only if it cannot lead elsewhere.
        let base = Self.isPlain(stem) ? stem : "applied-\(ContentHash(of: Array(stem.utf8)))"
        var path = base + ".yaml"
        var number = 2
        while !isFree(path) {
            path = "\(base)-\(number).yaml"
            number += 1
        }
        return path
    }

    private func isFree(_ path: String) -> Bool { original[path] == nil && edited[path] == nil && !isTaken(path) }

    private static func isPlain(_ name: String) -> Bool {
        !name.hasPrefix(".") && name.utf8.count <= 200
            && name.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            }
    }

    // MARK: Delete

    mutating func delete(_ identity: ResourceIdentity) throws(Rejection) {
        guard let place = places[identity] else {
            throw Rejection([
                Diagnostic(
                    .unknownResource, at: .manifestsFolder,
                    found: "no \(identity)", expected: "a resource of the mesh",
                    remedy: "see which there are with `heddle get \(identity.kind.rawValue)`")
            ])
        }
        let before = text(place.path)
        let documents = ManifestDocuments(before.bytes)
        guard let index = documents.index(ofLine: place.mention.position.line) else {
            throw uneditable(place.mention, in: place.path)
        }
        let rest = identities(in: place.path).filter { $0 != identity }
        places[identity] = nil
        changes.append(ResourceChange(identity: identity, action: .deleted, path: place.path))
        guard !rest.isEmpty else {
            edited[place.path] = .some(nil)
            return
        }
        let document = documents.documents[index]
        let kept = index == 0 ? header(of: before.bytes, before: document.content.lowerBound) : 0
        var after = EditedText()
        after.append(before, 0..<document.bytes.lowerBound + kept, line: 1)
        after.append(before, document.bytes.upperBound..<before.bytes.count, line: document.lines.upperBound)
        let decoded = manifests.decode(after.bytes, path: place.path)
        guard isRight(decoded), identities(of: decoded) == rest else {
            throw uneditable(place.mention, in: place.path)
        }
        set(place.path, to: after, decoded)
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

    // MARK: Telling

    /// Whether it is in what was handed in, and not in what lies in the folder.
    func isHandedIn(_ position: SourcePosition) -> Bool {
        guard case .given? = edited[position.file]??.text.origin(of: position)?.source else { return false }
        return true
    }

    /// The same mistake at a place that people can look at: the edited texts are on no disk.
    func located(_ diagnostic: Diagnostic) -> Diagnostic {
        Diagnostic(
            diagnostic.code, diagnostic.severity, at: located(diagnostic.position), found: located(diagnostic.found),
            expected: diagnostic.expected, remedy: remedy(of: diagnostic))
    }

    /// Where a resource is missed that was to go, whoever names it is to be changed: it is not to be added again.
    private func remedy(of diagnostic: Diagnostic) -> String {
        let isMissing = diagnostic.code.rawValue.hasPrefix("manifest.unknown-")
        let gone = changes.first { change in
            change.action == .deleted && isMissing && diagnostic.found == Diagnostic.quoted(change.identity.name.name)
        }
        guard let gone else { return located(diagnostic.remedy) }
        return "remove what names it first, or name another here: \(gone.identity) cannot go before"
    }

    private func located(_ position: SourcePosition) -> SourcePosition {
        var file = position.file
        var (line, column) = (position.line, position.column)
        if let text = edited[file]??.text, let origin = text.origin(of: position) {
            (line, column) = (origin.line, origin.column)
            if case .given(let name) = origin.source {
                return SourcePosition(file: name, line: line, column: column, length: position.length)
            }
        }
        // Not to be taken for what was handed in under the same name.
        if original[file] != nil, givenNames.contains(file) { file = "\(folder)/\(file)" }
        return SourcePosition(file: file, line: line, column: column, length: position.length)
    }

    /// With the places that it names: `merge it into the one at shop.yaml:3:7`.
    private func located(_ text: String) -> String {
        text.split(separator: " ", omittingEmptySubsequences: false).map { word in
            let end = word.lastIndex { $0.isNumber }.map(word.index(after:)) ?? word.startIndex
            let parts = word[..<end].split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count > 2, let column = Int(parts[parts.count - 1]), let line = Int(parts[parts.count - 2])
            else { return String(word) }
            let file = parts.dropLast(2).joined(separator: ":")
            return "\(located(SourcePosition(file: file, line: line, column: column)))\(word[end...])"
        }.joined(separator: " ")
    }

    private func uneditable(_ mention: ResourceMention, in path: String) -> Rejection {
        Rejection([
            Diagnostic(
                .uneditable, at: mention.position, found: "a document that cannot be changed by itself",
                expected: "one resource a document", remedy: "edit \(path) by hand")
        ])
    }

    // MARK: Files

    private func text(_ path: String) -> EditedText {
        if let change = edited[path] { return change?.text ?? EditedText() }
        return EditedText(original[path]?.source.bytes ?? [], from: .folder(path))
    }

    private mutating func set(_ path: String, to text: EditedText, _ file: Manifests.File) {
        edited[path] = .some(Edited(text: text, file: file))
        note(file, path: path)
    }

    private mutating func note(_ file: Manifests.File, path: String) {
        for mention in manifests.resources(of: file) where places[mention.identity].map({ $0.path == path }) ?? true {
            places[mention.identity] = Place(path: path, mention: mention)
        }
    }

    private func isRight(_ file: Manifests.File) -> Bool {
        !manifests.diagnostics(of: file).contains { $0.severity == .error }
    }

    private func identities(of file: Manifests.File) -> [ResourceIdentity] {
        manifests.resources(of: file).map(\.identity)
    }

    /// In the order they stand in the file.
    private func identities(in path: String) -> [ResourceIdentity] {
        if let change = edited[path] { return change.map { identities(of: $0.file) } ?? [] }
        return original[path].map { identities(of: $0.file) } ?? []
    }
}
