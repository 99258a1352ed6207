import Diagnostics
package import Manifests
import SystemInterfaces

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
    package func confirmEmpty(dryRun: Bool = false) async -> ApplyOutcome {
        await edit(allowsEmpty: true, dryRun: dryRun) { _ throws(Rejection) in }
    }

    typealias EditBody = @Sendable (inout ManifestEditor<Manifests>) throws(Rejection) -> Void

    /// An edit of the folder as it was at one reading, ready to be carried out.
    struct PlannedEdit: Sendable {
        let editor: ManifestEditor<Manifests>
        let edits: [ManifestWriter.Edit]
        let set: DecodedSet<Manifests>
        let candidate: Candidate
    }

    /// Makes the edited set and judges it, without a hold on anything: the folder's changes go on meanwhile. Only then is
    /// its turn waited for; if the folder is another one by then, all is made anew, from the third time on within the turn.
    private func edit(allowsEmpty: Bool, dryRun: Bool, _ body: @escaping EditBody) async -> ApplyOutcome {
        var tries = 0
        while true {
            tries += 1
            let isPlannedInTurn = tries > 2
            if isPlannedInTurn { await enter() }
            let reading: FolderReading
            let plan: PlannedEdit
            switch await planned(body, dryRun: dryRun) {
            case .failure(let rejection):
                if isPlannedInTurn { leave() }
                return .refused(rejection.diagnostics)
            case .success(let made): (reading, plan) = made
            }
            if !isPlannedInTurn { await enter() }
            defer { leave() }
            guard await stands(reading, sinceTurn: isPlannedInTurn) else { continue }
            return await carryOut(plan, reading, allowsEmpty: allowsEmpty, dryRun: dryRun)
        }
    }

    /// Whether an edit can still be based on a reading, now that it is its turn.
    private func stands(_ reading: FolderReading, sinceTurn: Bool) async -> Bool {
        if sinceTurn { return await heed(reading) }
        // Half of another node's change that has come since has its time, in the next plan.
        guard let now = await currentReading(), now.says(as: reading), waitForWhole(now) == nil else { return false }
        return await heed(now)
    }

    private func planned(
        _ body: @escaping EditBody, dryRun: Bool
    ) async -> Result<(FolderReading, PlannedEdit), Rejection> {
        guard interruption.isEmpty else { return .failure(Rejection(interruption)) }
        guard let reading = await basis(dryRun: dryRun) else { return .failure(Rejection([notRunning])) }
        guard reading.problems.isEmpty else { return .failure(Rejection(reading.problems)) }
        let isFolder = watcher.replacing == nil
        switch await Self.plan(
            body, of: reading, reusing: known, manifests, folder: settings.folder,
            isTaken: { [folder = settings.folder] in isFolder && FileAccess.isFolder(FileAccess.path($0, in: folder)) })
        {
        case .failure(let rejection): return .failure(rejection)
        case .success(let plan): return .success((reading, plan))
        }
    }

    /// Away from the actor, which has others to serve.
    @concurrent
    private static func plan(
        _ body: EditBody, of reading: FolderReading, reusing known: DecodedSet<Manifests>, _ manifests: Manifests,
        folder: String, isTaken: @escaping @Sendable (String) -> Bool
    ) async -> Result<PlannedEdit, Rejection> {
        let set = await DecodedSet(reading.files, reusing: known, manifests)
        var editor = ManifestEditor(manifests, set, folder: folder, isTaken: isTaken)
        do throws(Rejection) { try body(&editor) } catch { return .failure(error) }
        let edits = editor.edits
        let after = edits.isEmpty ? set : DecodedSet(entries: editor.entries)
        switch judged(after, hash: nil, manifests, isNew: editor.isHandedIn) {
        case .refused(let diagnostics): return .failure(Rejection(diagnostics.map(editor.located)))
        case .valid(let candidate):
            return .success(PlannedEdit(editor: editor, edits: edits, set: after, candidate: candidate))
        }
    }

    private func carryOut(
        _ plan: PlannedEdit, _ reading: FolderReading, allowsEmpty: Bool, dryRun: Bool
    ) async -> ApplyOutcome {
        let start = ContinuousClock.now
        guard !isStopping else { return .refused([notRunning]) }
        guard interruption.isEmpty else { return .refused(interruption) }
        let candidate = plan.candidate
        let changes = plan.editor.changes
        if plan.edits.isEmpty, isServing(candidate.hash) { return .unchanged(changes) }
        if let refusal = emptyRefusal(plan, allowsEmpty: allowsEmpty) { return .refused([refusal]) }
        if dryRun {
            switch await rehearse(candidate) {
            case .failure(let rejection): return .refused(rejection.diagnostics.map(plan.editor.located))
            case .success(let warnings):
                do throws(Rejection) { try await rehearse(plan, reading) } catch { return .refused(error.diagnostics) }
                return .dryRun(changes: changes, warnings: warnings.map(plan.editor.located))
            }
        }
        var edited = EditedFiles()
        if let serving = status.serving, isServing(candidate.hash) {
            // The edit brings the folder back to what serves.
            do throws(Rejection) {
                edited = try await write(plan, reading)
            } catch {
                await catchUp(edited)
                return .refused(error.diagnostics)
            }
            await catchUp(edited)
            return .served(serving, changes: changes, warnings: serving.warnings)
        }
        var isWriting = false
        let outcome = await commit(
            candidate, generation: Generation(number: nextNumber, hash: candidate.hash), source: .folder, since: start
        ) { () async throws(Rejection) in
            isWriting = true
            edited = try await self.write(plan, reading)
        }
        switch outcome {
        case .failure(let rejection) where isWriting:
            await catchUp(edited)
            return .refused(rejection.diagnostics)
        case .failure(let rejection): return .refused(rejection.diagnostics.map(plan.editor.located))
        case .success(let served):
            noteServed(plan.set, revision: reading.watchedFilesRevision)
            await catchUp(edited)
            return .served(served, changes: changes, warnings: served.warnings)
        }
    }

    /// The folder as it is.
    func currentReading() async -> FolderReading? { await watcher.readNow() }

    /// A reading to base an edit on. An edit takes up what it is based on: that is waited for until it has settled, as the
    /// folder is, but no longer than for a command of git. One that is not made waits for the end of half a change alone.
    func basis(dryRun: Bool) async -> FolderReading? {
        let end = ContinuousClock.now + settings.watcher.times.operation
        while let reading = await watcher.readNow() {
            let isSettled = dryRun || (!reading.isUnsettled && !reading.isDuringOperation)
            if isSettled && cutOff.isWhole(reading) || end <= .now { return reading }
            do { try await Task.sleep(for: Self.secondLook) } catch { return nil }
        }
        return nil
    }

    private func write(_ plan: PlannedEdit, _ reading: FolderReading) async throws(Rejection) -> EditedFiles {
        if let replacing = watcher.replacing {
            guard !plan.edits.isEmpty else { return EditedFiles() }
            try await replacing.replace(reading, with: plan.candidate.sources)
            return EditedFiles()
        }
        do throws(ManifestWriter.Failure) { return try await Self.write(plan.edits, writer) } catch {
            // Half of it lies there: nobody may take it for the folder until it is taken back.
            if !error.isUndone { await settleInterruption() }
            throw Rejection([error.diagnostic] + interruption)
        }
    }

    private func rehearse(_ plan: PlannedEdit, _ reading: FolderReading) async throws(Rejection) {
        if let replacing = watcher.replacing {
            return try await replacing.rehearse(reading, with: plan.candidate.sources)
        }
        do throws(ManifestWriter.Failure) { try await Self.rehearse(plan.edits, writer) } catch {
            throw Rejection([error.diagnostic])
        }
    }

    private var writer: ManifestWriter {
        ManifestWriter(folder: settings.folder, journal: journal, writer: settings.writer)
    }

    /// Away from the actor: the disk may take its time.
    @concurrent
    private static func rehearse(
        _ edits: [ManifestWriter.Edit], _ writer: ManifestWriter
    ) async throws(ManifestWriter.Failure) {
        try writer.rehearse(edits)
    }

    /// Likewise.
    @concurrent
    private static func write(
        _ edits: [ManifestWriter.Edit], _ writer: ManifestWriter
    ) async throws(ManifestWriter.Failure) -> EditedFiles {
        let written = try writer.write(edits)
        var edited = EditedFiles()
        for (edit, signature) in zip(edits, written) {
            if let after = edit.after, let signature {
                edited.files[edit.path] = EditedFiles.File(
                    source: ManifestSource(path: edit.path, bytes: after), signature: signature)
            } else {
                edited.gone.insert(edit.path)
            }
        }
        return edited
    }

    private func isServing(_ hash: String) -> Bool {
        guard let serving = status.serving else { return false }
        return serving.source == .folder && serving.generation.hash == hash
    }

    private func emptyRefusal(_ plan: PlannedEdit, allowsEmpty: Bool) -> Diagnostic? {
        guard !allowsEmpty, plan.candidate.resourceCount == 0, status.serving?.resourceCount ?? 0 > 0 else {
            return nil
        }
        return Diagnostic(
            .wouldEmpty, at: .manifestsFolder, found: "no resource left",
            expected: "at least one",
            remedy: plan.edits.isEmpty
                ? "confirm with `heddle apply --prune` that the mesh is to be empty"
                : "add --prune if the mesh is to be empty")
    }
}

extension FolderReading {
    /// The same files with the same bytes, as far as their hashes tell.
    fileprivate func says(as other: FolderReading) -> Bool {
        guard problems.isEmpty, files.count == other.files.count else { return false }
        return zip(files, other.files).allSatisfy { $0.path == $1.path && $0.hash == $1.hash }
    }
}
