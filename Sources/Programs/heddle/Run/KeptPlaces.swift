import AdminAPI
import Logging
import Reconciliation
import StateKeeping

/// What people and other processes find this one by, the state folder's lock and the admin socket, and what it keeps for the
/// next, made again when somebody has removed it.
struct KeptPlaces: Sendable {
    let state: StateFolder
    let admin: AdminServer
    let workloads: WorkloadSocketParticipant
    let keeper: LastGoodKeeper
    let log: Logger

    /// How often it is looked at: a few calls of stat.
    private static let interval = Duration.seconds(1)

    /// Until the task is cancelled.
    /// - Parameter lookAfterKept: Has the last good set kept again.
    func run(
        _ betweenChanges: @Sendable (@escaping @Sendable () async -> Void) async -> Void,
        lookingAfterKept lookAfterKept: @Sendable () async -> Void
    ) async {
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let wasLost = state.isLost
            if wasLost || admin.isSocketLost || workloads.isLost {
                await betweenChanges {
                    state.restore()
                    restoreSocket()
                    restoreWorkloadSocket()
                }
            }
            // What could not be kept while there was no folder can be now.
            if wasLost, !state.isLost { await keeper.retry() }
            await lookAfterKept()
        }
    }

    private func restoreWorkloadSocket() {
        guard workloads.isLost else { return }
        workloads.restore()
        if !workloads.isLost { log.warning("the workload socket was removed: it is made again") }
    }

    private func restoreSocket() {
        guard admin.isSocketLost else { return }
        do throws(AdminServerError) {
            if try admin.bindSocket() {
                log.warning("the admin socket was removed: it is made again")
            } else {
                log.notice("the admin socket is in its place")
            }
        } catch {}  // it is held back, and told of as such
    }
}
