import Diagnostics
import Glibc
import SystemInterfaces
import TestSupport
import Testing

@testable import Reconciliation

@Suite struct `A folder is listed whole or refused` {
    private let folder = TestFolder()

    init() {
        folder.run("chmod 755 .. . && mkdir sub && printf x > sub/deny.yaml && printf x > a.yaml")
    }

    private func listing() -> FolderListing { Nobody.run { FolderListing(of: folder.path) { _, _ in } } }
    private func problems() -> [Diagnostic] { listing().problems.values.sorted { $0.position < $1.position } }

    @Test(arguments: ["chmod 744 sub", "chmod 000 sub", "chmod 711 sub"])
    func `where a subfolder cannot be searched or read`(command: String) {
        folder.run(command)
        #expect(problems().map(\.code) == [.folderUnreadable])
        #expect(problems().map(\.position.file) == ["sub/"])
        #expect(problems().allSatisfy { $0.found.contains("Permission denied") && $0.remedy.hasPrefix("let user ") })
    }

    @Test(arguments: ["mesh", "mesh.yaml"])
    func `where a link dangles, whatever its name`(name: String) {
        folder.run("ln -s ../nowhere \(name)")
        #expect(problems().map(\.code) == [.brokenLink])
        #expect(problems().map(\.position.file) == [name])
        #expect(problems().first?.found == "a link to \"../nowhere\" that leads nowhere")
    }

    @Test func `where a link leads to a folder that cannot be searched`() {
        folder.run("mkdir ../far && printf x > ../far/deny.yaml && chmod 744 ../far && ln -s ../far link")
        #expect(problems().map(\.position.file) == ["link/"])
    }

    @Test(arguments: [
        ("ln -s loop loop", "Too many levels"), ("ln -s a.yaml/b link", "Not a directory"),
        ("mkdir -p ../locked/far && chmod 700 ../locked && ln -s ../locked/far link", "Permission denied"),
        ("ln -s $(printf 'x%.0s' $(seq 300)) long", "File name too long"),
    ])
    func `where a link's way is barred`(command: String, reason: String) {
        folder.run(command)
        #expect(problems().map(\.code) == [.brokenLink])
        #expect(problems().first?.found.contains(reason) == true, "\(problems())")
    }

    @Test func `where names are too long together`() {
        // Each step is short; the path of the last is over the 4,096 bytes that a system call takes.
        let name = String(repeating: "n", count: 200)
        folder.run("cd sub; for i in $(seq 22); do mkdir \(name) && cd \(name); done; printf x > deny.yaml")
        let found = problems()
        #expect(found.map(\.code) == [.folderUnreadable])
        #expect(found.first?.found == "File name too long")
    }

    @Test func `where a name is not UTF-8, which is told with its bytes`() {
        folder.run("printf x > \"$(printf 'd\\351ny.yaml')\"")
        #expect(problems().map(\.code) == [.unreadableName])
        #expect(problems().map(\.position.file) == ["d\\xE9ny.yaml"])
    }

    @Test func `where two names are the same text in other bytes`() {
        folder.run("printf x > \"$(printf 'd\\303\\251ny.yaml')\"; printf y > \"$(printf 'de\\314\\201ny.yaml')\"")
        #expect(problems().map(\.code) == [.unreadableName])
    }

    @Test func `and hidden names do not matter, whatever they are`() {
        folder.run(
            "ln -s user@host.7 .#a.yaml; mkdir .git && chmod 000 .git; printf x > \"$(printf '.d\\351ny.yaml')\"")
        #expect(problems() == [])
    }

    @Test func `and what is absent is only what its folder lists no more`() {
        folder.run("ln -s nowhere link; mkdir shut && printf x > shut/a && chmod 000 shut")
        let absent = Nobody.run {
            ["/none", "/none/deep/er", "/link", "/sub/deny.yaml", "/shut/a", "/shut/none"].filter {
                FileAccess.isAbsent(folder.path + $0)
            }
        }
        #expect(absent == ["/none", "/none/deep/er"])
        #expect(!FileAccess.isAbsent("/"))
    }

    @Test func `by check in the same words`() {
        folder.run("chmod 744 sub; ln -s ../nowhere link; chmod 000 a.yaml")
        let scan = Nobody.run { FolderScan(of: folder.path) }
        #expect(scan.problems.map(\.position.file) == ["a.yaml", "link", "sub/"])
        #expect(scan.files.isEmpty)
        let file = Nobody.run { FolderScan(ofFile: folder.path + "/a.yaml", as: "a.yaml") }
        #expect(file.problems.map(\.code) == [.folderUnreadable])
    }

    @Test func `and a path that is barred is watched where it can be opened`() {
        folder.run("mkdir -p ../locked/far && chmod 700 ../locked && ln -s ../locked/far link")
        let hops = listing().hops
        let base = String(folder.path.dropLast("/mesh".count))
        #expect(hops.contains(PathTracer.Hop(folder: base, name: "locked")))
    }
}
