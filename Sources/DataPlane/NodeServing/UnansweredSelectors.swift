import Attestation
package import Diagnostics
import Forwarding
import Glibc
import Manifests
import SystemInterfaces

/// Selectors that ask for what this process may not look at, in processes of other users: they match nobody.
enum UnansweredSelectors {
    /// One warning for all of this node's.
    /// - Parameters:
    ///   - missing: Capabilities that this process does not have.
    ///   - user: Whom this process is: it may look at its own.
    static func warnings(
        in plan: ServingPlan, missing: [LookingCapability] = LookingCapability.missing, user: UInt32 = geteuid()
    ) -> [Diagnostic] {
        guard !missing.isEmpty else { return [] }
        let nodeListen = plan.ownNode?.outboundListen
        var needed: Set<LookingCapability> = []
        var positions: [SourcePosition] = []
        for workload in plan.ownWorkloads {
            let listens = [workload.outboundListen, nodeListen].compactMap { $0 } + workload.outboundTCP.map(\.listen)
            guard !listens.isEmpty else { continue }
            let isOverTCP = listens.contains { if case .tcp = $0.value { true } else { false } }
            for selector in workload.selectors {
                if plan.accounts.user(of: selector) == user { continue }
                let lacks = needs(selector, isOverTCP: isOverTCP).intersection(missing)
                guard !lacks.isEmpty, let position = selector.position?.position else { continue }
                needed.formUnion(lacks)
                positions.append(position)
            }
        }
        guard let position = positions.min() else { return [] }
        return [warning(at: position, positions.count, missing.filter(needed.contains))]
    }

    private static func needs(_ selector: WorkloadSelector, isOverTCP: Bool) -> Set<LookingCapability> {
        let asksForFile = selector.path != nil || selector.sha256 != nil
        let asksForGroup = selector.group != nil || selector.gid != nil
        // The process that has a socket of TCP is to be found first.
        if isOverTCP, asksForFile || asksForGroup { return [.trace, .search] }
        return asksForFile ? [.trace] : []
    }

    private static func warning(
        at position: SourcePosition, _ count: Int, _ missing: [LookingCapability]
    ) -> Diagnostic {
        let names = missing.map(\.rawValue)
        return Diagnostic(
            .missingCapability, .warning, at: position,
            found: "\(count == 1 ? "a selector" : "\(count) selectors") by path, sha256 or group, and no "
                + names.joined(separator: " and no "),
            expected: "a Heddle that may look at processes of other users: as it is, none of theirs matches",
            remedy: "start Heddle as root, or with AmbientCapabilities=\(names.joined(separator: " ")) in its unit")
    }
}

extension Diagnostic.Code {
    /// Selectors ask for what Heddle lacks the capability to find out.
    package static let missingCapability = Self("serving.missing-capability")
}
