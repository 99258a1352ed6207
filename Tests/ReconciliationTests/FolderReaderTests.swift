import Diagnostics
import Manifests
import Testing

@testable import Reconciliation

/// Reads a folder as the watcher's thread does, at chosen times and with chosen events.
private struct Looks {
    private let start = ContinuousClock.now
    private var settler: ChangeSettler
    private(set) var reader: FolderReader

    init(at folder: TestFolder) {
        settler = ChangeSettler(times: ReadingTimes(), now: start)
        reader = FolderReader(folder: folder.path)
        settler.schedule(at: start)
        look(at: 0)
    }

    mutating func record(_ events: ChangeSettler.Event..., at milliseconds: Int) {
        for event in events { settler.record(event, at: start + .milliseconds(milliseconds)) }
    }

    /// - Parameter meanwhile: What happens after the files were read, and before that counts.
    mutating func look(at milliseconds: Int, meanwhile: ChangeSettler.Event...) {
        let now = start + .milliseconds(milliseconds)
        guard let request = settler.next(at: now) else { return }
        let finding = reader.look(for: request, looksTwice: false)
        for event in meanwhile { settler.record(event, at: now) }
        let isDoubtful = { [settler] (path: String) in settler.isDoubtful(path, in: request) }
        _ = reader.take(finding, except: isDoubtful)
        _ = settler.settle(request, busy: finding.busy, missing: finding.missing, at: now)
    }

    /// What counts.
    var texts: [String] { reader.files.map { String(decoding: $0.bytes, as: UTF8.self) } }
}

struct FolderReaderTests {
    private let folder = TestFolder()

    init() {
        folder.service("a", "1")
        folder.service("b", "1")
    }

    private func documents(_ a: String, _ b: String) -> [String] {
        [FakeManifests.document("a", a), FakeManifests.document("b", b)]
    }

    @Test func `a file that is written to during each look counts as it is found every 5 s`() {
        var looks = Looks(at: folder)
        folder.service("a", "2")
        folder.service("b", "2")
        looks.record(.writing(path: "a.yaml"), .completed(path: "b.yaml"), at: 0)
        looks.look(at: 5, meanwhile: .writing(path: "a.yaml"))
        let others = looks.texts
        looks.look(at: 5_000, meanwhile: .writing(path: "a.yaml"))
        let found = looks.texts
        folder.service("a", "3")
        looks.look(at: 9_999, meanwhile: .writing(path: "a.yaml"))
        let early = looks.texts
        looks.look(at: 10_000, meanwhile: .writing(path: "a.yaml"))
        #expect(others == documents("1", "2"))
        #expect(found == documents("2", "2"))
        #expect(early == found)
        #expect(looks.texts == documents("3", "2"))
        #expect(looks.reader.problems.isEmpty)
    }

    @Test func `a file that was opened again since it was closed does not count as it is found then`() {
        var looks = Looks(at: folder)
        let writer = SlowWriter(folder.path + "/a.yaml")
        looks.record(.completed(path: "a.yaml"), at: 0)
        looks.look(at: 5)
        let meanwhile = looks.texts
        writer.write(FakeManifests.document("a", "2"))
        writer.close()
        looks.record(.completed(path: "a.yaml"), at: 10)
        looks.look(at: 15)
        #expect(meanwhile == documents("1", "1"))
        #expect(looks.texts == documents("2", "1"))
    }

    @Test func `a file that is closed and opened again without pause counts as it is found after 5 s`() {
        var looks = Looks(at: folder)
        folder.service("a", "2")
        for time in stride(from: 0, to: 5_000, by: 10) {
            looks.record(.completed(path: "a.yaml"), .writing(path: "a.yaml"), at: time)
            looks.look(at: time + 9)
        }
        let before = looks.texts
        looks.look(at: 5_000)
        #expect(before == documents("1", "1"))
        #expect(looks.texts == documents("2", "1"))
    }

    @Test func `a file that its writer never closes counts as it is found after 5 s`() {
        var looks = Looks(at: folder)
        let writer = SlowWriter(folder.path + "/a.yaml")
        writer.write(FakeManifests.document("a", "2"))
        looks.record(.writing(path: "a.yaml"), at: 0)
        looks.look(at: 5_000, meanwhile: .writing(path: "a.yaml"))
        writer.close()
        #expect(looks.texts == documents("2", "1"))
    }

    @Test func `a file that no look finds whole is told after 5 s, and others count meanwhile`() {
        var looks = Looks(at: folder)
        // More is read of it than the kernel says that it holds.
        folder.run("ln -s /proc/version ../never && mv -T ../never a.yaml")
        folder.service("b", "2")
        looks.record(.structure, at: 0)
        looks.look(at: 5)
        looks.look(at: 5_004)
        let (others, before) = (looks.texts, looks.reader.problems)
        looks.look(at: 5_005)
        let problems = looks.reader.problems
        folder.service("a", "3")
        looks.record(.completed(path: "a.yaml"), at: 6_000)
        looks.look(at: 6_005)
        #expect(others == documents("1", "2"))
        #expect(before.isEmpty)
        #expect(problems.map(\.code) == [.folderUnreadable])
        #expect(problems.map(\.position.file) == ["a.yaml"])
        #expect(looks.texts == documents("3", "2"))
        #expect(looks.reader.problems.isEmpty)
    }
}
