import Diagnostics
import Manifests

extension Reconciler {
    /// Puts resources into the folder as one change, once the whole set with them in it is valid and every participant is
    /// prepared; serves it before it returns.
    /// - Parameters:
    ///   - files: Each with one or several resources. One that the folder has already is replaced where it stands.
    ///   - prune: Take up an empty folder too, if that is what waits for confirmation.
    ///   - dryRun: Stop before anything is written.
    package func apply(_ files: [AppliedFile], prune: Bool = false, dryRun: Bool = false) async -> ApplyOutcome {
        await edit(allowsEmpty: prune, dryRun: dryRun) { editor throws(Rejection) in try editor.apply(files) }
    }

    /// Takes a resource out of the folder, like `apply`.
    /// - Parameter prune: Do so even if it is the last one.
    package func delete(
        _ identity: ResourceIdentity, prune: Bool = false, dryRun: Bool = false
    ) async -> ApplyOutcome {
        await edit(allowsEmpty: prune, dryRun: dryRun) { editor throws(Rejection) in try editor.delete(identity) }
    }

    /// Takes up the folder as it is, even if that is empty or lost more than half of its resources (`apply --prune`).
    package func confirmEmpty() async -> ApplyOutcome {
        await edit(allowsEmpty: true, dryRun: false) { _ throws(Rejection) in }
    }

    private func edit(
        allowsEmpty: Bool, dryRun: Bool, _ body: (inout ManifestEditor<Manifests>) throws(Rejection) -> Void
    ) async -> ApplyOutcome {
        await enter()
        defer { leave() }
        let start = ContinuousClock.now
        guard let reading = await currentReading() else { return .refused([notRunning]) }
        guard reading.problems.isEmpty else { return .refused(reading.problems) }

        var editor = ManifestEditor(manifests, files: await decodedFiles(reading.files))
        do throws(Rejection) { try body(&editor) } catch { return .refused(error.diagnostics) }
        let edits = editor.edits
        let candidate: Candidate
        switch await judged(edits.isEmpty ? reading.files : editor.files) {
        case .refused(let diagnostics): return .refused(diagnostics)
        case .valid(let valid): candidate = valid
        }
        if edits.isEmpty, isServing(candidate.hash) { return .unchanged }
        if let refusal = emptyRefusal(candidate, allowsEmpty: allowsEmpty) { return .refused([refusal]) }
        if dryRun {
            if let rejection = await rehearse(candidate) { return .refused(rejection.diagnostics) }
            return .dryRun(changes: editor.changes, warnings: warnings(of: candidate))
        }

        let writer = ManifestWriter(folder: settings.folder)
        if let serving = status.serving, isServing(candidate.hash) {
            // The edit brings the folder back to what serves.
            do throws(Diagnostic) {
                try writer.write(edits.map { ($0.path, $0.before, $0.after) })
            } catch {
                return .refused([error])
            }
            await catchUp(deleted: Set(edits.filter { $0.after == nil }.map(\.path)))
            return .served(serving, changes: editor.changes, warnings: serving.warnings)
        }
        let outcome = await commit(
            candidate, generation: Generation(number: nextNumber, hash: candidate.hash), source: .folder, since: start
        ) { () throws(Rejection) in
            do throws(Diagnostic) {
                try writer.write(edits.map { ($0.path, $0.before, $0.after) })
            } catch {
                throw Rejection([error])
            }
        }
        switch outcome {
        case .failure(let rejection): return .refused(rejection.diagnostics)
        case .success(let served):
            noteRevision(reading.watchedFilesRevision)
            await catchUp(deleted: Set(edits.filter { $0.after == nil }.map(\.path)))
            return .served(served, changes: editor.changes, warnings: served.warnings)
        }
    }

    private func isServing(_ hash: String) -> Bool {
        guard let serving = status.serving else { return false }
        return serving.source == .folder && serving.generation.hash == hash
    }

    private func emptyRefusal(_ candidate: Candidate, allowsEmpty: Bool) -> Diagnostic? {
        guard !allowsEmpty, candidate.resourceCount == 0, status.serving?.resourceCount ?? 0 > 0 else { return nil }
        return Diagnostic(
            .wouldEmpty, at: SourcePosition(file: ".", line: 1, column: 1), found: "no resource left",
            expected: "at least one", remedy: "confirm with `heddle apply --prune` that the mesh is to be empty")
    }
}
