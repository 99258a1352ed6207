import Diagnostics
import EventLoops
import Forwarding
package import HostGuard
import Logging
import Manifests

extension ServingParticipant {
    /// Whether there is a guard to look after, or one that could not be removed.
    package var isGuarding: Bool {
        guard let standing = hostGuard?.standing else { return false }
        return standing.table != nil || standing.failure != nil
    }

    /// How the guard stands; `nil`: the node asks for none.
    package var guardStanding: GuardKeeper.Standing? { isGuarding ? hostGuard?.standing : nil }

    /// Whether nobody gets around it.
    package var guardHolds: Bool {
        !guardProblems.contains { $0.code == .guardDown || $0.code == .guardSharedUser }
    }

    /// What keeps the guard from holding, or Heddle from being reached for it.
    var guardProblems: [Diagnostic] {
        serving.map { guardProblems($0.plan, hostGuard?.standing.failure) } ?? []
    }

    /// Whether somebody has changed the guard, or it could not be made. At any time.
    package func checkGuard() async -> Bool {
        noteNeighbours()
        return await hostGuard?.check() ?? false
    }

    /// Makes the guard as it was meant, if somebody has changed it, or it could not be made. Not while a change is prepared or
    /// committed.
    package func lookAfterGuard() async {
        switch await hostGuard?.look() {
        case .restored?:
            log.warning(
                "the guard's table was changed or removed by another program: it is made again",
                metadata: ["table": "\(hostGuard?.name ?? "")"])
        case .mended?: log.info("the guard holds", metadata: ["table": "\(hostGuard?.name ?? "")"])
        case .asItWas?, .failed?, nil: break
        }
    }

    func guardPlan(_ plan: ServingPlan) -> GuardPlan? { hostGuard.flatMap { GuardPlan(plan, name: $0.name) } }

    func guardProblems(_ plan: ServingPlan, _ failure: PacketFilter.Failure?) -> [Diagnostic] {
        if let guardPlan = guardPlan(plan) { return guardPlan.problems(failure, neighbours: guardNeighbours) }
        // None is wanted, and the one that was cannot be removed.
        guard let failure, let node = plan.ownNode else { return [] }
        return [.guardStays(node.address.position, hostGuard?.name ?? "", failure)]
    }

    func guardWarnings(_ plan: ServingPlan) -> [Diagnostic] {
        let others = hostGuard?.standing.others ?? []
        return (guardPlan(plan)?.warnings ?? [])
            + (plan.ownNode.map { node in others.map { .otherGuard(node.address.position, $0) } } ?? [])
    }

    func commitGuard(_ plan: ServingPlan) async {
        let before = hostGuard?.standing.table
        await hostGuard?.commit(guardPlan(plan)?.table)
        noteNeighbours()
        guard let standing = hostGuard?.standing, standing.failure == nil else { return }
        switch (before, standing.table) {
        case (nil, let table?): log.info("the guard holds", metadata: table.logged)
        case (let table?, nil): log.info("the guard is removed", metadata: table.logged)
        default: break
        }
    }

    /// At the end of the process.
    func endGuard(_ plan: ServingPlan) async {
        guard let guarding = guardPlan(plan), let hostGuard, let table = hostGuard.standing.table else { return }
        guard guarding.removesOnExit else {
            return log.notice(
                "the guard stays, and its ports are closed to others: heddle guard remove opens them",
                metadata: table.logged)
        }
        guard let failure = await hostGuard.withdraw() else { return }
        log.error(
            "the guard stays, though onExit is Remove: \(failure.reason); \(failure.remedy(for: "heddle guard remove"))",
            metadata: table.logged)
    }
}

extension GuardTable {
    fileprivate var logged: Logger.Metadata {
        ["table": "\(name)", "ports": "\(ports.count)", "users": "\(users.sorted())"]
    }
}
