import CLinux
import Testing

@testable import Reconciliation

struct WatchTableTests {
    private let folder = TestFolder()

    private func meaning(_ events: [InotifyQueue.Event]) -> [ChangeSettler.Event] {
        let listing = FolderListing(of: folder.path) { _, _ in }
        return WatchTable(listing, watchedFiles: [], watches: [folder.path: 1]).meaning(of: events) { _ in nil }
    }

    private func event(_ mask: CInt, _ name: String?, cookie: UInt32 = 0, watch: CInt = 1) -> InotifyQueue.Event {
        InotifyQueue.Event(watch: watch, mask: UInt32(bitPattern: mask), cookie: cookie, name: name)
    }

    @Test func `a queue that overflowed makes it read everything`() {
        #expect(meaning([event(CInt(IN_Q_OVERFLOW), nil, watch: -1)]) == [.structure])
    }

    @Test func `what happens to files says when they are complete`() {
        #expect(meaning([event(IN_MODIFY, "a.yaml")]) == [.writing(path: "a.yaml")])
        #expect(meaning([event(IN_CLOSE_WRITE, "a.yaml")]) == [.completed(path: "a.yaml")])
        #expect(meaning([event(IN_MOVED_TO, "a.yaml")]) == [.replaced(path: "a.yaml")])
        #expect(meaning([event(IN_ATTRIB, "a.yaml")]) == [.completed(path: "a.yaml")])
        #expect(meaning([event(IN_CREATE, "a.yaml")]) == [.created(path: "a.yaml")])
        #expect(meaning([event(IN_DELETE, "a.yaml")]) == [.vanished(path: "a.yaml")])
        #expect(meaning([event(IN_DELETE_SELF, nil)]) == [.structure])
    }

    @Test func `what is no manifest does not matter`() {
        for name in ["a.yaml~", ".a.yaml.swp", "4913", "#a.yaml#", ".#a.yaml", "README.md"] {
            #expect(meaning([event(IN_CLOSE_WRITE, name), event(IN_DELETE, name), event(IN_MODIFY, name)]) == [])
        }
    }

    @Test func `a manifest moved to another manifest's name does not come back`() {
        let moved = meaning([event(IN_MOVED_FROM, "a.yaml", cookie: 7), event(IN_MOVED_TO, "b.yaml", cookie: 7)])
        let backedUp = meaning([event(IN_MOVED_FROM, "a.yaml", cookie: 7), event(IN_MOVED_TO, "a.yaml~", cookie: 7)])
        #expect(moved == [.removed(path: "a.yaml"), .replaced(path: "b.yaml")])
        #expect(backedUp == [.vanished(path: "a.yaml")])
    }

    @Test func `a name that is not UTF-8 makes it read everything`() {
        var unreadable = event(IN_CREATE, nil)
        unreadable.hasUnreadableName = true
        #expect(meaning([unreadable]) == [.structure])
    }

    @Test func `a file that is watched itself is told of by its own events`() {
        var table = WatchTable()
        table.add(5, manifest: "a.yaml")
        table.add(5, manifest: "b.yaml")
        table.addWatchedFile(6)
        func meaning(_ mask: CInt, _ watch: CInt = 5) -> [ChangeSettler.Event] {
            table.meaning(of: [event(mask, nil, watch: watch)]) { _ in nil }
        }
        #expect(meaning(IN_MODIFY) == [.writing(path: "a.yaml"), .writing(path: "b.yaml")])
        #expect(meaning(IN_CLOSE_WRITE) == [.completed(path: "a.yaml"), .completed(path: "b.yaml")])
        #expect(meaning(IN_DELETE_SELF) == [.structure])
        #expect(meaning(IN_CLOSE_WRITE, 6) == [.watchedFile])
        #expect(meaning(IN_MODIFY, 6) == [])
        #expect(table.watches == [5, 6])
    }
}
