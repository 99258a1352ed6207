import SystemInterfaces

/// Looks for a control group by its number in folder after folder, a slice at a time: where the kernel cannot be asked for it.
struct GroupSearch {
    private let groups: ControlGroups
    private let number: UInt64
    private var folders: [(path: String, depth: Int)] = []
    private var index = 0
    /// In the folder that is looked into.
    private var position = 0
    /// Not all could be looked into.
    private var isCut: Bool

    /// Folders looked into for one number.
    private static let folderLimit = 20_000
    private static let depthLimit = 64

    init(for number: UInt64, in groups: ControlGroups) {
        self.groups = groups
        self.number = number
        if let root = groups.root { folders = [(root, 0)] }
        isCut = folders.isEmpty
    }

    /// - Returns: `nil`: it is not over.
    mutating func goOn(_ slice: inout Slice) -> ControlGroups.Answer? {
        if index == 0, position == 0, let root = folders.first?.path,
            (try? FileAccess.facts(root, followingLinks: false))?.signature.inode == UInt(number)
        {
            return found(root)
        }
        while index < folders.count {
            guard !slice.isOver else { return nil }
            slice.spend(10)
            if let found = lookInto(folders[index].path, folders[index].depth, &slice) { return self.found(found) }
            guard position == 0 else { return nil }
            index += 1
        }
        return isCut ? .notFound : ControlGroups.Answer.none
    }

    /// - Returns: The folder with the number. If it is not found there, `position` is where to go on; 0: with the next one.
    private mutating func lookInto(_ folder: String, _ depth: Int, _ slice: inout Slice) -> String? {
        do throws(SystemCallError) {
            var entries = try FolderEntries(folder, from: position)
            while let entry = try entries.next() {
                slice.spend(1)
                position = entry.next
                // A name that is not UTF-8 is none that a selector could have.
                if entry.isFolder, let name = entry.name {
                    let path = FileAccess.path(name, in: folder)
                    if entry.inode == UInt(number) { return path }
                    if depth < Self.depthLimit, folders.count < Self.folderLimit {
                        folders.append((path, depth + 1))
                    } else {
                        isCut = true
                    }
                }
                if slice.isOver { return nil }
            }
        } catch {
            // One that was removed has nothing in it.
            if !error.isMissing { isCut = true }
        }
        position = 0
        return nil
    }

    private func found(_ folder: String) -> ControlGroups.Answer {
        groups.path(at: folder).map(ControlGroups.Answer.path) ?? .notFound
    }
}
