import Diagnostics
import Glibc
import SystemInterfaces
import TestSupport
import Testing

@testable import Reconciliation

/// What a dry run knows of a change that it does not make.
@Suite(.serialized) struct RehearsalTests {
    /// Only root can mount, and only some filesystems have attributes.
    private static let canObstruct: Bool = {
        let folder = TestFolder()
        let commands = "touch a b && mount --bind a b && umount b && chattr +i a && chattr -i a"
        return unsafe geteuid() == 0 && system("cd \(folder.path) && { \(commands); } 2>/dev/null") == 0
    }()

    enum Obstacle: CaseIterable {
        case folder, owner, stickyFolder, record, attribute, attributeOfFolder, folderToAddTo, mount,
            mountOfOneThatGoes, room,
            names

        /// Puts it in the way.
        var command: String {
            switch self {
            case .folder: "chmod 755 ."
            case .owner: "chown 1234:2345 x.yaml"
            case .stickyFolder: "chown 1234:2345 x.yaml . && chmod 1777 ."
            case .record: "chmod 755 ../state"
            case .attribute: "chattr +i x.yaml"
            case .attributeOfFolder: "chattr +i ."
            case .folderToAddTo: "chattr +a ."
            case .mount, .mountOfOneThatGoes: "cp x.yaml ../source && mount --bind ../source x.yaml"
            case .room: "mkdir sub && mount -t tmpfs -o size=16k none sub && printf old > sub/y.yaml"
            // The folder's own, the file and its draft.
            case .names: "mkdir sub && mount -t tmpfs -o nr_inodes=3 none sub && printf old > sub/y.yaml"
            }
        }

        /// And out of it.
        var opposite: String {
            switch self {
            case .folder, .stickyFolder: "chown 0:0 x.yaml . && chmod 777 ."
            case .owner: "chown 0:0 x.yaml"
            case .record: "chmod 777 ../state"
            case .attribute: "chattr -i x.yaml"
            case .attributeOfFolder: "chattr -i ."
            case .folderToAddTo: "chattr -a ."
            case .mount, .mountOfOneThatGoes: "umount x.yaml"
            case .room, .names: "umount sub && printf old > sub/y.yaml"
            }
        }

        /// Root is above it.
        var isOfOthers: Bool { [.folder, .owner, .stickyFolder, .record].contains(self) }

        var edits: [ManifestWriter.Edit] {
            switch self {
            case .folder, .folderToAddTo, .record: [edit("new.yaml", nil, "new"), edit("newer.yaml", nil, "new")]
            case .owner, .attribute, .attributeOfFolder, .mount: [edit("x.yaml", "old", "new")]
            case .stickyFolder, .mountOfOneThatGoes: [edit("x.yaml", "old", nil)]
            case .names: [edit("sub/y.yaml", "old", "new")]
            case .room: [edit("sub/y.yaml", "old", String(repeating: "new ", count: 16 * 1024))]
            }
        }

        private func edit(_ path: String, _ before: String?, _ after: String?) -> ManifestWriter.Edit {
            ManifestWriter.Edit(path: path, before: before.map { Array($0.utf8) }, after: after.map { Array($0.utf8) })
        }
    }

    @Test(.enabled(if: canObstruct), arguments: Obstacle.allCases)
    func `what stands in the way of a change is told without making it, in the same words`(obstacle: Obstacle) throws {
        let folder = TestFolder()
        folder.replace("x.yaml", "old")
        folder.run("mkdir ../state; chmod -R a+rwX ..; \(obstacle.command)")
        let writer = ManifestWriter(folder: folder.path, journal: ChangeJournal(stateFolder: folder.heldState))
        func refusal(_ change: @escaping (ManifestWriter) throws(ManifestWriter.Failure) -> Void) -> Diagnostic? {
            let body = { () -> Diagnostic? in
                do throws(ManifestWriter.Failure) { try change(writer) } catch { return error.diagnostic }
                return nil
            }
            return obstacle.isOfOthers ? Nobody.run(body) : body()
        }
        let names = try FileAccess.names(inFolder: folder.path).names
        let told = refusal { writer throws(ManifestWriter.Failure) in try writer.rehearse(obstacle.edits) }
        #expect(try FileAccess.names(inFolder: folder.path).names == names)
        let made = refusal { writer throws(ManifestWriter.Failure) in try writer.write(obstacle.edits) }
        #expect(told != nil && told == made)
        #expect(try FileAccess.names(inFolder: folder.path).names == names)
        folder.run(obstacle.opposite)
        #expect(throws: Never.self) { try writer.rehearse(obstacle.edits) }
        try writer.write(obstacle.edits)
    }

    @Test func `a state folder that was moved away is told without making the change, in the same words`() throws {
        let folder = TestFolder()
        folder.run("mkdir ../state")
        let writer = ManifestWriter(folder: folder.path, journal: ChangeJournal(stateFolder: folder.heldState))
        let edits = Obstacle.folder.edits
        try writer.rehearse(edits)
        folder.run("mv ../state ../moved")
        let told = #expect(throws: ManifestWriter.Failure.self) { try writer.rehearse(edits) }
        let made = #expect(throws: ManifestWriter.Failure.self) { try writer.write(edits) }
        #expect(told?.diagnostic == made?.diagnostic)
        // One file needs no record.
        try writer.rehearse([edits[0]])
        try writer.write([edits[0]])
    }

    @Test func `a dry run is refused what the state folder does not let be written down first`() async throws {
        let folder = TestFolder()
        folder.service("a", "1")
        let harness = try Harness(folder)
        try await harness.serve { harness in
            _ = await harness.nextServed()
            folder.run("echo in the way > ../state/changes")
            let files = ["b", "c"].map {
                AppliedFile(path: "\($0).yaml", bytes: Array(FakeManifests.document($0, "1").utf8))
            }
            var refusals: [[Diagnostic]] = []
            for isDry in [true, false] {
                guard case .refused(let diagnostics) = await harness.reconciler.apply(files, dryRun: isDry) else {
                    Issue.record("not refused")
                    return
                }
                refusals.append(diagnostics)
            }
            #expect(refusals[0].map(\.code) == [.unwritable])
            #expect(refusals[0] == refusals[1])
        }
    }
}
