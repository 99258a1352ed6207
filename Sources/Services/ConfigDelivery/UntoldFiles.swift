package import SystemInterfaces

/// The files whose readers are still to be told that they have changed, in the state folder: `untold`, their paths with a zero byte after each.
/// Who could not be told before this process ended is told by the next one.
///
/// What stands in the way of reading or writing it is of no other consequence than that: what is wrong with the state folder, others tell.
package struct UntoldFiles: Sendable {
    package static let name = "untold"
    /// Of its bytes. Default: 4 MiB; more is not read.
    private static let byteLimit = 4 << 20

    private let stateFolder: HeldFolder

    package init(_ stateFolder: HeldFolder) { self.stateFolder = stateFolder }

    func load() -> Set<String> {
        guard let place = stateFolder.place(of: Self.name), let file = try? OpenFile(place, followingLast: false),
            file.facts.kind == .file, let bytes = try? file.bytes(limit: Self.byteLimit), bytes.count <= Self.byteLimit
        else { return [] }
        return Set(bytes.split(separator: 0).compactMap { String(validating: $0, as: UTF8.self) })
    }

    func save(_ paths: Set<String>) {
        guard let place = stateFolder.place(of: Self.name) else { return }
        guard !paths.isEmpty else {
            try? FileWriter().remove(place)
            return
        }
        _ = try? FileWriter().replacePrivate(place, paths.sorted().flatMap { Array($0.utf8) + [0] })
    }
}
