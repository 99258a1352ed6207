import Diagnostics
import Glibc
import SystemInterfaces

/// The last set that served, with all its bytes.
struct LastGoodSet: Sendable {
    var generation: Generation
    var resourceCount: Int
    /// Sorted by path.
    var files: [ManifestSource]

    private static let magic = "HEDDLE-LAST-GOOD-1\n"

    /// Generation, resources, files (64 bits each); for each file the lengths of its path and its bytes (32 bits each),
    /// path and bytes.
    var encoded: [UInt8] {
        var encoder = StateEncoder(
            magic: Self.magic, capacity: files.reduce(128) { $0 + $1.bytes.count + $1.path.utf8.count + 8 })
        encoder.append(generation.number)
        encoder.append(UInt64(resourceCount))
        encoder.append(UInt64(files.count))
        for file in files {
            encoder.append(UInt64(file.path.utf8.count), byteCount: 4)
            encoder.append(UInt64(file.bytes.count), byteCount: 4)
            encoder.append(raw: file.path.utf8)
            encoder.append(raw: file.bytes)
        }
        return encoder.finished()
    }

    init(generation: Generation, resourceCount: Int, files: [ManifestSource]) {
        self.generation = generation
        self.resourceCount = resourceCount
        self.files = files
    }

    /// - Returns: `nil` if a single bit is not as it was written.
    init?(decoding bytes: [UInt8]) {
        guard var decoder = StateDecoder(bytes, magic: Self.magic), let number = decoder.integer(),
            let resourceCount = decoder.integer().flatMap(Int.init(exactly:)), let fileCount = decoder.count()
        else { return nil }
        var files: [ManifestSource] = []
        for _ in 0..<fileCount {
            guard let pathCount = decoder.integer(byteCount: 4), let byteCount = decoder.integer(byteCount: 4),
                let path = decoder.raw(Int(pathCount)).flatMap({ String(validating: $0, as: UTF8.self) }),
                let content = decoder.raw(Int(byteCount))
            else { return nil }
            files.append(ManifestSource(path: path, bytes: Array(content)))
        }
        guard decoder.isAtEnd else { return nil }
        self.init(
            generation: Generation(number: number, hash: FolderReading.hash(of: files)),
            resourceCount: resourceCount, files: files)
    }
}

/// Keeps the last good set in the state folder (`generations/last-good`, 0600), so that it serves after a restart even if
/// the manifests folder is wrong by then.
struct LastGoodStore: Sendable {
    /// Bytes of a file that is believed to be a last good set. Default: 1 GiB.
    private static let byteLimit = 1 << 30

    private static let folder = "generations"
    private static let file = folder + "/last-good"

    private let stateFolder: HeldFolder

    init(stateFolder: HeldFolder) { self.stateFolder = stateFolder }

    /// - Returns: `nil` if none was ever kept.
    /// - Throws: Why it cannot be used; the file stays as it is.
    func load() throws(Diagnostic) -> LastGoodSet? {
        guard let place = stateFolder.place(of: Self.file) else { return nil }
        let content: FileAccess.Content
        do throws(SystemCallError) {
            content = try FileAccess.read(place, limit: Self.byteLimit)
        } catch {
            // None was kept only if none is listed: a link that leads nowhere is no such answer.
            if error.isMissing, FileAccess.isAbsent(place) { return nil }
            throw unreadable(error)
        }
        guard case .bytes(let bytes, _) = content, let set = LastGoodSet(decoding: bytes) else {
            throw Diagnostic(
                .stateDamaged, .warning, at: position,
                found: "a damaged last good set", expected: "what Heddle wrote there",
                remedy: "check the disk; the file is replaced when the next generation serves")
        }
        return set
    }

    /// - Returns: Of the file that it is kept in.
    @discardableResult
    func keep(_ set: LastGoodSet) throws(Diagnostic) -> FileIdentity {
        do throws(SystemCallError) {
            let writer = FileWriter()
            try writer.makePrivateFolder(stateFolder.reach(Self.folder))
            return try writer.replacePrivate(stateFolder.reach(Self.file), set.encoded)
        } catch {
            throw unkept(error)
        }
    }

    enum Standing {
        case absent
        case there(FileIdentity)
        /// What is there cannot be seen; why.
        case unseen(Diagnostic)
    }

    /// What lies where it is kept.
    var standing: Standing {
        guard let place = stateFolder.place(of: Self.file) else { return .absent }
        do throws(SystemCallError) {
            return .there(FileIdentity(try FileAccess.facts(place, followingLinks: false).signature))
        } catch {
            // A file where a folder should be holds none.
            return [ENOENT, ENOTDIR].contains(error.errno) ? .absent : .unseen(unreadable(error))
        }
    }

    /// What is said while what was kept lies there no more.
    var loss: Diagnostic {
        Diagnostic(
            .stateUnavailable, .warning, at: position,
            found: "the set that was kept here was removed or replaced",
            expected: "the set that serves: without it a restart has nothing to serve while the folder is wrong",
            remedy: "leave it in the state folder: it is kept again")
    }

    private var position: SourcePosition { .place(stateFolder.path(of: Self.file)) }

    private func unreadable(_ error: SystemCallError) -> Diagnostic {
        Diagnostic(
            .stateUnavailable, .warning, at: position, found: "\(error.call): \(error.reason)",
            expected: "a last good set that can be read",
            remedy: FailedCall.remedy(error.errno, to: .read, "the state folder"))
    }

    private func unkept(_ error: SystemCallError) -> Diagnostic {
        Diagnostic(
            .stateUnavailable, at: position,
            found: "the set that serves cannot be kept: \(error.call): \(error.reason)",
            expected:
                "a state folder that can be written: until then a restart has an older set, or none, to serve while the "
                + "manifests folder is wrong",
            remedy: FailedCall.remedy(error.errno, to: .write, "the state folder"))
    }
}
