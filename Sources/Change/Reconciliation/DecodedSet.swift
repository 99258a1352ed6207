import Diagnostics

/// Files with what they decode to. Files whose bytes did not change are not decoded again.
struct DecodedSet<Manifests: ManifestReading>: Sendable {
    /// From this many bytes on, decoding is spread over the cores. Default: 128 KiB.
    private static var parallelByteCount: Int { 128 * 1024 }

    struct Entry: Sendable {
        let source: ManifestSource
        let file: Manifests.File
        let resourceCount: Int
    }

    /// Sorted by path.
    private(set) var entries: [Entry] = []

    var resourceCount: Int { entries.reduce(0) { $0 + $1.resourceCount } }
    var files: [Manifests.File] { entries.map(\.file) }

    init() {}

    /// - Parameter entries: Sorted by path.
    init(entries: [Entry]) { self.entries = entries }

    /// - Parameters:
    ///   - sources: Sorted by path.
    ///   - former: Where decoded files are taken from.
    init(_ sources: [ManifestSource], reusing former: DecodedSet, _ manifests: Manifests) async {
        var fresh: [Int] = []
        var found: [Entry?] = []
        found.reserveCapacity(sources.count)
        // Both lists are sorted: one walk along them finds what is known.
        var position = 0
        for (index, source) in sources.enumerated() {
            while position < former.entries.count, former.entries[position].source.path < source.path { position += 1 }
            if position < former.entries.count, former.entries[position].source.isSame(as: source) {
                found.append(former.entries[position])
            } else {
                found.append(nil)
                fresh.append(index)
            }
        }
        let byteCount = fresh.reduce(0) { $0 + sources[$1].bytes.count }
        if fresh.count < 2 || byteCount < Self.parallelByteCount {
            for index in fresh { found[index] = Self.decoded(sources[index], manifests) }
        } else {
            // Every other file: neighbours are often alike in size.
            let indices = fresh
            await withTaskGroup(of: [(Int, Entry)].self) { group in
                for lane in 0..<2 {
                    group.addTask {
                        stride(from: lane, to: indices.count, by: 2).map {
                            (indices[$0], Self.decoded(sources[indices[$0]], manifests))
                        }
                    }
                }
                for await lane in group {
                    for (index, entry) in lane { found[index] = entry }
                }
            }
        }
        entries = found.compactMap { $0 }
    }

    /// Whether it is made of the same files, each with the same resources as in `former`: at most their content differs.
    func hasSameResources(as former: DecodedSet, _ manifests: Manifests) -> Bool {
        guard entries.count == former.entries.count else { return false }
        return zip(entries, former.entries).allSatisfy { entry, former in
            guard entry.source.path == former.source.path else { return false }
            return entry.source.hash == former.source.hash
                || manifests.resources(of: entry.file).map(\.identity)
                    == manifests.resources(of: former.file).map(\.identity)
        }
    }

    private static func decoded(_ source: ManifestSource, _ manifests: Manifests) -> Entry {
        let file = manifests.decode(source.bytes, path: source.path)
        return Entry(source: source, file: file, resourceCount: manifests.resourceCount(of: file))
    }
}

extension ManifestSource {
    /// Same name and same bytes.
    func isSame(as other: ManifestSource) -> Bool {
        hash == other.hash && path == other.path && bytes == other.bytes
    }
}
