import Testing

@testable import Reconciliation

@Suite struct `A command of git runs` {
    private let folder = TestFolder()

    private func isRunning(_ below: String = "", at now: Int = GitOperation.now) -> Bool {
        GitOperation.isRunning(around: folder.path + below, lockNoOlderThan: .seconds(5), at: now)
    }

    @Test func `where its lock is there, in the folder or above it`() {
        folder.run("mkdir -p deep/er ../.git && touch ../.git/index.lock")
        #expect(isRunning())
        #expect(isRunning("/deep/er"))
        folder.run("rm ../.git/index.lock && mkdir .git && touch .git/index.lock")
        #expect(isRunning())
    }

    @Test func `in a worktree, whose git folder is elsewhere`() {
        folder.run("mkdir -p ../repository/worktrees/w && printf 'gitdir: ../repository/worktrees/w\\n' > .git")
        #expect(!isRunning())
        folder.run("touch ../repository/worktrees/w/index.lock")
        #expect(isRunning())
    }

    @Test func `not without a lock, nor with one that was left behind`() {
        #expect(!isRunning())
        folder.run("mkdir .git")
        #expect(!isRunning())
        folder.run("touch .git/index.lock")
        #expect(!isRunning(at: GitOperation.now + 5_000_000_000))
        #expect(!isRunning(at: GitOperation.now - 6_000_000_000))
    }
}
