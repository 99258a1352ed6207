import Diagnostics
import Glibc

/// Writes edits into the folder: each file atomically, all of them or none.
struct ManifestWriter {
    /// Of new files.
    private static let permissions: mode_t = 0o644

    private struct Step {
        let target: String
        /// `nil`: the target is removed.
        let temporary: String?
        let before: [UInt8]?
        let permissions: mode_t
    }

    /// Without links.
    private let folder: String

    /// - Parameter folder: Absolute.
    init(folder: String) { self.folder = folder }

    /// - Throws: What could not be written; the folder is then as it was.
    func write(_ edits: [(path: String, before: [UInt8]?, after: [UInt8]?)]) throws(Diagnostic) {
        var steps: [Step] = []
        var path = ""
        do throws(FileError) {
            for edit in edits {
                path = edit.path
                steps.append(try prepare(edit.path, before: edit.before, after: edit.after, number: steps.count))
            }
        } catch {
            discard(steps)
            throw unwritable(path, error)
        }
        // As late as possible: someone may have edited the same files meanwhile.
        for (edit, step) in zip(edits, steps) where !isAsBefore(step) {
            discard(steps)
            throw Diagnostic(
                .conflict, at: SourcePosition(file: edit.path, line: 1, column: 1),
                found: "a file that changed meanwhile",
                expected: "the file as it was read", remedy: "try again")
        }
        var done: [Step] = []
        do throws(FileError) {
            for (edit, step) in zip(edits, steps) {
                path = edit.path
                try perform(step)
                done.append(step)
            }
        } catch {
            for step in done.reversed() { undo(step) }
            discard(steps)
            throw unwritable(path, error)
        }
        for folder in Set(steps.map { Self.folder(of: $0.target) }) {
            // The change is made; should power fail now, the old names may come back, each with whole bytes.
            do throws(FileError) { try FileWriter.sync(folder: folder) } catch {}
        }
    }

    private func prepare(
        _ path: String, before: [UInt8]?, after: [UInt8]?, number: Int
    ) throws(FileError) -> Step {
        // A manifest that is a link stays one: its target is replaced.
        let target = before == nil ? folder + "/" + path : try FileWriter.realPath(folder + "/" + path)
        let permissions =
            before == nil ? Self.permissions : try FileAccess.facts(target, followingLinks: true).permissions
        guard let after else { return Step(target: target, temporary: nil, before: before, permissions: permissions) }
        let temporary = "\(Self.folder(of: target))/.heddle-\(getpid())-\(number).tmp"
        try FileWriter.create(temporary, after, permissions: permissions)
        return Step(target: target, temporary: temporary, before: before, permissions: permissions)
    }

    private func isAsBefore(_ step: Step) -> Bool {
        do throws(FileError) {
            let content = try FileAccess.read(step.target, limit: FolderReader.fileByteLimit)
            if case .bytes(let bytes, _) = content { return bytes == step.before }
            return false
        } catch {
            return error.isMissing && step.before == nil
        }
    }

    private func perform(_ step: Step) throws(FileError) {
        if let temporary = step.temporary {
            try FileWriter.rename(temporary, to: step.target)
        } else {
            try FileWriter.remove(step.target)
        }
    }

    private func undo(_ step: Step) {
        do throws(FileError) {
            guard let before = step.before else { return try FileWriter.remove(step.target) }
            let temporary = Self.folder(of: step.target) + "/.heddle-\(getpid())-undo.tmp"
            try FileWriter.create(temporary, before, permissions: step.permissions)
            try FileWriter.rename(temporary, to: step.target)
        } catch {}
    }

    private func discard(_ steps: [Step]) {
        for case let temporary? in steps.map(\.temporary) {
            do throws(FileError) { try FileWriter.remove(temporary) } catch {}
        }
    }

    private func unwritable(_ path: String, _ error: FileError) -> Diagnostic {
        Diagnostic(
            .unwritable, at: SourcePosition(file: path, line: 1, column: 1),
            found: "\(error.call): \(error.explanation)",
            expected: "a folder that can be written", remedy: "let the user that Heddle runs as write it")
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
