import Testing

@testable import Reconciliation

@Suite struct `Drafts that wait` {
    private let start = ContinuousClock.now
    private var drafts = WaitingDrafts()

    private func draft(_ step: Int, of change: UInt64 = 7, suffix: String = "new") -> ChangeRecord.Companion {
        ChangeRecord.Companion(change: change, step: step, suffix: suffix)
    }

    @Test mutating func `say that half of a change is done once the first of them is gone and others are not`() {
        drafts.note([(draft(0), isThere: true), (draft(1), isThere: true), (draft(2), isThere: true)], at: start)
        #expect(drafts.halves.isEmpty)
        drafts.note([(draft(0), isThere: false)], at: start + .seconds(1))
        #expect(drafts.halves == [7])
        drafts.note([(draft(1), isThere: false)], at: start + .seconds(2))
        #expect(drafts.halfSince == start + .seconds(1))
        drafts.note([(draft(2), isThere: false)], at: start + .seconds(3))
        #expect(drafts.halves.isEmpty && drafts.halfSince == nil)
    }

    @Test mutating func `are those that a listing finds, and no second names of old files`() {
        drafts.replace(with: [draft(0, suffix: "old"), draft(1, suffix: "old"), draft(1), draft(0, of: 8)], at: start)
        #expect(drafts.halves == [7])
        drafts.replace(with: [draft(0, suffix: "old"), draft(1, suffix: "old")], at: start)
        #expect(drafts.halves.isEmpty)
    }
}
