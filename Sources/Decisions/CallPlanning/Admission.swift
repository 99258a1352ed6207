package import Attestation
package import Authorization
package import Manifests
import SPIFFE

/// The workloads whose own a listener is, and what a process must be to call there as one of them.
package final class Admission {
    package final class Candidate {
        package let workload: ResourceName
        /// Whose identity its calls carry.
        package let caller: Caller
        /// Where it finds services by Host.
        let hosts: OutboundTable
        let selectors: SelectorProgram

        package init(workload: ResourceName, hosts: OutboundTable, selectors: SelectorProgram) {
            self.workload = workload
            caller = hosts.caller
            self.hosts = hosts
            self.selectors = selectors
        }
    }

    /// Who a process is there.
    package enum Verdict {
        /// The one candidate at this index.
        case admitted(Int)
        /// None of them.
        case nobody
        /// More than one: which, nobody says.
        case several([ResourceName])
        /// It depends on what has not been found out yet.
        case needs(FactDepth)
    }

    package let candidates: [Candidate]

    package init(_ candidates: [Candidate]) { self.candidates = candidates }

    /// Exactly one must match, or the process has no identity; several of one identity are one, and what a process was started as
    /// it is, whatever else it matches.
    package func verdict(on process: LocalProcess) -> Verdict {
        var matching: [Int] = []
        var needed: FactDepth?
        for (index, candidate) in candidates.enumerated() {
            switch candidate.selectors.verdict(on: process) {
            case .matches: matching.append(index)
            case .differs: break
            case .needs(let depth): needed = min(needed ?? depth, depth)
            }
        }
        if case .known(let workload?) = process.startedAs,
            let index = matching.first(where: { candidates[$0].workload == workload })
        {
            return .admitted(index)
        }
        if let needed { return .needs(needed) }
        guard let first = matching.first else { return .nobody }
        let isOne = matching.allSatisfy { candidates[$0].caller.id == candidates[first].caller.id }
        return isOne ? .admitted(first) : .several(matching.map { candidates[$0].workload })
    }
}
