import Diagnostics
import Glibc
import SystemInterfaces

extension ManifestWriter {
    /// A change with all that is known of its files before any is touched.
    struct Change {
        let edits: [Edit]
        /// Without links.
        let folder: String
        let record: ChangeRecord
        let targets: [String]
        let roles: [FileRole]

        init(_ edits: [Edit], folder: String, path: inout String) throws(SystemCallError) {
            self.edits = edits
            let folder = try FileWriter.realPath(folder)
            self.folder = folder
            let root = try FileAccess.facts(folder, followingLinks: true)
            let prefix = folder == "/" ? "/" : folder + "/"
            var steps: [ChangeRecord.Step] = []
            var targets: [String] = []
            var roles: [FileRole] = []
            for edit in edits {
                path = edit.path
                let target = try Self.target(of: edit, in: folder)
                targets.append(target)
                roles.append(try Self.role(of: edit, at: target))
                let relative = target.hasPrefix(prefix) ? String(target.dropFirst(prefix.count)) : target
                steps.append(
                    ChangeRecord.Step(
                        path: edit.path, target: relative, before: edit.before.map { ContentHash(of: $0) },
                        after: edit.after.map { ContentHash(of: $0) }))
            }
            self.targets = targets
            self.roles = roles
            record = ChangeRecord(
                id: .random(in: .min ... .max), folder: folder, device: UInt64(root.signature.device),
                inode: UInt64(root.signature.inode), steps: steps)
        }

        /// A manifest that is a link stays one: its target is replaced.
        private static func target(of edit: Edit, in folder: String) throws(SystemCallError) -> String {
            let path = FileAccess.path(edit.path, in: folder)
            return edit.before == nil ? path : try FileWriter.realPath(path)
        }

        private static func role(of edit: Edit, at target: String) throws(SystemCallError) -> FileRole {
            edit.before == nil
                ? .new(try FileTraits(newIn: ChangeRecord.folder(of: target))) : .standIn(try FileTraits(of: target))
        }

        /// Whether all that was known of a file is so still: where it stands, its bytes, whose it is and who may touch it.
        func isAsKnown(_ index: Int) throws(SystemCallError) -> Bool {
            let (edit, target) = (edits[index], targets[index])
            guard try Self.target(of: edit, in: folder) == target else { return false }
            do throws(SystemCallError) {
                guard case .bytes(let bytes, _) = try FileAccess.read(target, limit: ManifestSource.byteLimit),
                    bytes == edit.before
                else { return false }
            } catch {
                guard error.isMissing, edit.before == nil else { throw error }
            }
            return try Self.role(of: edit, at: target) == roles[index]
        }

        /// Refuses what would be refused if it were made, as far as that can be asked: who may do what in the folders, whose the
        /// files are, and what room there is. A quota is not asked for, and the disk itself cannot be.
        /// - Parameter path: Of the edit that it is refused for.
        func rehearse(path: inout String) throws(SystemCallError) {
            var room = DiskRoom()
            for (index, edit) in edits.enumerated() {
                path = edit.path
                guard let after = edit.after else { continue }
                let parent = ChangeRecord.folder(of: targets[index])
                try Rehearsal.create(inFolder: parent, as: roles[index])
                try room.take(after.count, in: parent)
            }
            if record.mark(in: folder) != nil {
                try Rehearsal.draft(inFolder: folder)
                try room.takeName(in: folder)
            }
            for (index, edit) in edits.enumerated() where edit.before != nil && edit.after != nil {
                path = edit.path
                try room.takeName(in: ChangeRecord.folder(of: targets[index]))
            }
            for (index, edit) in edits.enumerated() where edit.before != nil {
                path = edit.path
                guard case .standIn(let traits) = roles[index] else { continue }
                try Rehearsal.replace(targets[index], traits.ownership, isRemoval: edit.after == nil)
            }
        }

        /// A file does not go while a link leads to it: that would lead nowhere, and the whole folder be refused for it. Whether
        /// the link shall go, too, or the file stay for others, is for a person to say.
        func strandedLink() -> Diagnostic? {
            let gone = edits.indices.filter { edits[$0].after == nil }
            guard !gone.isEmpty else { return nil }
            let links = FolderListing(of: folder) { _, _ in }.linkedFiles
            for index in gone {
                let stranded = links.filter { $0.value == targets[index] }.keys.sorted()
                let path = edits[index].path
                guard let link = stranded.contains(path) ? path : stranded.first else { continue }
                return link == path ? isLink(index) : isLinked(index, from: link)
            }
            return nil
        }

        // MARK: Telling

        private func isLink(_ index: Int) -> Diagnostic {
            uneditable(
                index, found: "the last resource of a link to \(targets[index]), which would then lead nowhere",
                expected: "a file",
                remedy:
                    "remove the link by hand (rm \(FileAccess.path(edits[index].path, in: folder))), and its target if nobody else needs it"
            )
        }

        private func isLinked(_ index: Int, from link: String) -> Diagnostic {
            uneditable(
                index, found: "the last resource of a file that the link \(Diagnostic.quoted(link)) leads to",
                expected: "a file that no link leads to",
                remedy: "remove the link first (rm \(FileAccess.path(link, in: folder)))")
        }

        private func uneditable(_ index: Int, found: String, expected: String, remedy: String) -> Diagnostic {
            Diagnostic(
                .uneditable, at: SourcePosition(file: edits[index].path, line: 1, column: 1), found: found,
                expected: expected, remedy: remedy)
        }

        /// What is said of a call that was refused for the sake of the manifest at this path.
        func trouble(_ path: String, _ error: SystemCallError) -> Diagnostic {
            guard let index = edits.firstIndex(where: { $0.path == path }) else { return Self.unwritable(path, error) }
            return notKept(index, error) ?? fixed(index, error) ?? Self.unwritable(path, error)
        }

        /// - Returns: What is said of a file that cannot be replaced by one of the same owner's; `nil` if it is something
        ///   else that failed.
        private func notKept(_ index: Int, _ error: SystemCallError) -> Diagnostic? {
            guard error.call == "fchown", case .standIn(let traits) = roles[index] else { return nil }
            let former = traits.ownership
            let user = former.owner == geteuid() ? "" : "\(geteuid())"
            let group = former.isOfOwnGroup ? "" : ":\(getegid())"
            return Diagnostic(
                .ownerNotKept, at: SourcePosition(file: edits[index].path, line: 1, column: 1),
                found:
                    "a file of user \(former.owner) and group \(former.group): user \(geteuid()) may not give them the one "
                    + "that would replace it (\(error.call): \(error.reason))",
                expected: "a file that stays its owner's and its group's",
                remedy:
                    "edit it by hand, or give it to the user that Heddle runs as (chown \(user)\(group) \(targets[index]))"
            )
        }

        /// - Returns: What is said of a file that nobody can replace where it is; `nil` if it is something else that failed.
        private func fixed(_ index: Int, _ error: SystemCallError) -> Diagnostic? {
            let target = targets[index]
            let why: (found: String, remedy: String)
            switch error.errno {
            case EPERM:
                let places = [target, ChangeRecord.folder(of: target)]
                guard let place = places.first(where: Rehearsal.isPinned) else { return nil }
                why = (
                    "\(place) is immutable, or may only be added to (lsattr)",
                    "take the attribute away (chattr -i -a \(place))"
                )
            case EXDEV, EBUSY:
                guard MountTable.isMountPoint(target) else { return nil }
                why = ("something is mounted at \(target)", "edit what is mounted there, or end the mount")
            default: return nil
            }
            return Diagnostic(
                .unwritable, at: SourcePosition(file: edits[index].path, line: 1, column: 1),
                found: "\(error.call): \(error.reason): \(why.found)", expected: "a file that can be replaced",
                remedy: why.remedy)
        }

        static func unwritable(_ path: String, _ error: SystemCallError) -> Diagnostic {
            Diagnostic(
                .unwritable, at: SourcePosition(file: path, line: 1, column: 1),
                found: "\(error.call): \(error.reason)", expected: "a folder that can be written",
                remedy: error.remedy(writing: "the manifests folder"))
        }
    }
}
