import Testing

@testable import Reconciliation

struct ChangeRecordTests {
    private let record = ChangeRecord(
        id: 0xABC, folder: "/srv/mesh", device: 7, inode: 9,
        steps: [
            ChangeRecord.Step(path: "a.yaml", target: "a.yaml", before: nil, after: ContentHash(of: [1])),
            ChangeRecord.Step(path: "b.yaml", target: "/etc/b.yaml", before: ContentHash(of: [2]), after: nil),
        ])

    @Test func `what is written down is read again`() {
        #expect(ChangeRecord(decoding: record.encoded) == record)
    }

    @Test func `no damage is believed, and none crashes`() {
        let bytes = record.encoded
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x81
            #expect(ChangeRecord(decoding: damaged) == nil)
            #expect(ChangeRecord(decoding: Array(bytes[..<index])) == nil)
        }
    }

    @Test func `what waits beside a file is hidden, and in its folder`() {
        #expect(record.draft(0, in: "/srv/mesh") == "/srv/mesh/.heddle-abc-0.new")
        #expect(record.backup(1, in: "/moved") == "/etc/.heddle-abc-1.old")
        #expect(record.folders(in: "/srv/mesh") == ["/srv/mesh", "/etc"])
    }

    // MARK: The verdict

    private typealias Evidence = ChangeVerdict.Evidence

    private static let replaced = ChangeRecord.Step(
        path: "r", target: "r", before: ContentHash(of: [1]), after: ContentHash(of: [2]))
    private static let new = ChangeRecord.Step(path: "n", target: "n", before: nil, after: ContentHash(of: [2]))
    private static let gone = ChangeRecord.Step(path: "g", target: "g", before: ContentHash(of: [1]), after: nil)

    private func verdict(_ steps: [ChangeRecord.Step], _ found: [Evidence]) -> ChangeVerdict { .init(steps, found) }

    private let notYet = Evidence(content: .asBefore, hasDraft: true, backup: .asBefore)
    private let done = Evidence(content: .asAfter, hasDraft: false, backup: .asBefore)

    @Test func `nothing or everything done needs nothing`() {
        #expect(verdict([Self.replaced, Self.replaced], [notYet, notYet]) == .untouched)
        #expect(verdict([Self.replaced, Self.replaced], [done, done]) == .complete)
    }

    @Test func `half of it is taken back`() {
        #expect(verdict([Self.replaced, Self.replaced], [done, notYet]) == .half(done: [0]))
        let made = Evidence(content: .asAfter, hasDraft: false, backup: .none)
        #expect(verdict([Self.new, Self.replaced], [made, notYet]) == .half(done: [0]))
    }

    @Test func `an edited file counts as done if its draft is gone, and cannot be taken back`() {
        let edited = Evidence(content: .another, hasDraft: false, backup: .asBefore)
        let editedBefore = Evidence(content: .another, hasDraft: true, backup: .another)
        #expect(verdict([Self.replaced, Self.replaced], [edited, notYet]) == .undecidable([0]))
        #expect(verdict([Self.replaced, Self.replaced], [done, editedBefore]) == .half(done: [0]))
        #expect(verdict([Self.replaced, Self.replaced], [done, edited]) == .complete)
    }

    @Test func `a file that went and came again is nobody's to remove`() {
        let back = Evidence(content: .another, hasDraft: false, backup: .asBefore)
        #expect(verdict([Self.gone, Self.replaced], [back, notYet]) == .undecidable([0]))
    }

    @Test func `without its old bytes nothing is taken back`() {
        let bare = Evidence(content: .asAfter, hasDraft: false, backup: .none)
        #expect(verdict([Self.replaced, Self.replaced], [bare, notYet]) == .undecidable([0]))
    }
}
