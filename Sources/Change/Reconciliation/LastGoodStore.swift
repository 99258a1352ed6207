import Diagnostics

/// The last set that served, with all its bytes.
struct LastGoodSet: Sendable {
    var generation: Generation
    var resourceCount: Int
    /// Sorted by path.
    var files: [ManifestSource]

    private static let magic: [UInt8] = Array("HEDDLE-LAST-GOOD-1\n".utf8)

    /// Integers are little-endian: generation, resources, files (64 bits each); for each file the lengths of its path
    /// and its bytes (32 bits each), path and bytes; at the end the content hash of all that, against damage.
    var encoded: [UInt8] {
        var bytes = Self.magic
        bytes.reserveCapacity(files.reduce(128) { $0 + $1.bytes.count + $1.path.utf8.count + 8 })
        func append(_ value: UInt64, byteCount: Int) {
            for index in 0..<byteCount { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
        }
        append(generation.number, byteCount: 8)
        append(UInt64(resourceCount), byteCount: 8)
        append(UInt64(files.count), byteCount: 8)
        for file in files {
            append(UInt64(file.path.utf8.count), byteCount: 4)
            append(UInt64(file.bytes.count), byteCount: 4)
            bytes += file.path.utf8
            bytes += file.bytes
        }
        let checksum = ContentHash(of: bytes)
        append(checksum.high, byteCount: 8)
        append(checksum.low, byteCount: 8)
        return bytes
    }

    init(generation: Generation, resourceCount: Int, files: [ManifestSource]) {
        self.generation = generation
        self.resourceCount = resourceCount
        self.files = files
    }

    /// - Returns: `nil` if a single bit is not as it was written.
    init?(decoding bytes: [UInt8]) {
        let end = bytes.count - 16
        guard end > Self.magic.count, bytes.starts(with: Self.magic) else { return nil }
        var offset = Self.magic.count
        func integer(_ byteCount: Int) -> Int? {
            guard end - offset >= byteCount else { return nil }
            var value: UInt64 = 0
            for index in 0..<byteCount { value |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
            offset += byteCount
            return Int(exactly: value)
        }
        let checksum = ContentHash(of: bytes.span.extracting(0..<end))
        guard bytes[end...].elementsEqual(checksum.littleEndianBytes) else { return nil }
        guard let number = integer(8), let resourceCount = integer(8), let fileCount = integer(8) else { return nil }
        var files: [ManifestSource] = []
        for _ in 0..<fileCount {
            guard let pathCount = integer(4), let byteCount = integer(4), end - offset >= pathCount + byteCount,
                let path = String(validating: bytes[offset..<offset + pathCount], as: UTF8.self)
            else { return nil }
            offset += pathCount
            files.append(ManifestSource(path: path, bytes: Array(bytes[offset..<offset + byteCount])))
            offset += byteCount
        }
        guard offset == end else { return nil }
        self.init(
            generation: Generation(number: UInt64(number), hash: FolderReading.hash(of: files)),
            resourceCount: resourceCount, files: files)
    }
}

extension ContentHash {
    var littleEndianBytes: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
    }
}

/// Keeps the last good set in the state folder (`generations/last-good`, 0600), so that it serves after a restart even if
/// the manifests folder is wrong by then.
struct LastGoodStore: Sendable {
    /// Bytes of a file that is believed to be a last good set. Default: 1 GiB.
    private static let byteLimit = 1 << 30

    private let folder: String
    private var path: String { folder + "/last-good" }

    /// - Parameter stateFolder: Absolute; made when it is not there.
    init(stateFolder: String) { folder = stateFolder + "/generations" }

    /// - Returns: `nil` if none was ever kept.
    /// - Throws: Why it cannot be used; the file stays as it is.
    func load() throws(Diagnostic) -> LastGoodSet? {
        let content: FileAccess.Content
        do throws(FileError) {
            content = try FileAccess.read(path, limit: Self.byteLimit)
        } catch {
            guard !error.isMissing else { return nil }
            throw unavailable(error)
        }
        guard case .bytes(let bytes, _) = content, let set = LastGoodSet(decoding: bytes) else {
            throw Diagnostic(
                .stateDamaged, .warning, at: SourcePosition(file: path, line: 1, column: 1),
                found: "a damaged last good set", expected: "what Heddle wrote there",
                remedy: "check the disk; the file is replaced when the next generation serves")
        }
        return set
    }

    func keep(_ set: LastGoodSet) throws(Diagnostic) {
        let temporary = folder + "/.last-good.new"
        do throws(FileError) {
            try FileWriter.makePrivateFolder(folder)
            try FileWriter.create(temporary, set.encoded, permissions: 0o600)
            try FileWriter.rename(temporary, to: path)
            try FileWriter.sync(folder: folder)
        } catch {
            throw unavailable(error)
        }
    }

    private func unavailable(_ error: FileError) -> Diagnostic {
        Diagnostic(
            .stateUnavailable, .warning, at: SourcePosition(file: path, line: 1, column: 1),
            found: "\(error.call): \(error.explanation)", expected: "a state folder that can be read and written",
            remedy: "give the state folder to the user that Heddle runs as")
    }
}
