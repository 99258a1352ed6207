import Attestation
import Manifests

/// Why a process is no workload where it calls. For operators: callers are told nothing of it.
package final class ProcessRefusal: Sendable {
    /// Where it called: `Workload shop/web-1`.
    package let listener: String
    /// What the kernel says of it, bounded.
    package let found: String
    /// What stood in the way, bounded: a selector, that it is several workloads, or why it is nobody.
    package let why: String

    package init(listener: String, found: String, why: String) {
        self.listener = listener
        self.found = found
        self.why = why
    }

    package var byteCount: Int { listener.utf8.count + found.utf8.count + why.utf8.count }
}

extension CallSource {
    /// Why the process at the other end is refused.
    /// - Parameter listener: As people know it.
    package func refusal(at listener: String, by admission: Admission, in tables: CallTables) -> ProcessRefusal {
        switch process {
        case .notLooked: return ProcessRefusal(listener: listener, found: "nobody", why: "nobody has looked")
        case .nobody(let reason): return ProcessRefusal(listener: listener, found: "nobody", why: reason)
        case .found(let process):
            let why =
                switch verdict(of: admission, in: tables) {
                case .several(let workloads):
                    "it is \(Self.listed(workloads.map(\.description), " and ")), and must be one of them"
                case .admitted(let index):
                    "it is \(admission.candidates[index].workload) now, and was another workload when its call began"
                case .nobody, .needs: admission.difference(of: process)
                }
            return ProcessRefusal(listener: listener, found: "\(process)", why: why)
        }
    }

    /// The first of them, and how many more there are.
    fileprivate static func listed(_ texts: some Collection<String>, _ separator: String) -> String {
        let limit = 3
        let rest = texts.count > limit ? "\(separator)\(texts.count - limit) more" : ""
        return texts.prefix(limit).joined(separator: separator) + rest
    }
}

extension Admission {
    /// What the workloads' selectors say that a process is not; of those first that it comes nearest to.
    fileprivate func difference(of process: LocalProcess) -> String {
        guard !candidates.isEmpty else { return "no workload that calls there has selectors" }
        let differences = candidates.compactMap { candidate in
            candidate.selectors.difference(of: process).map { (workload: candidate.workload, difference: $0) }
        }.sorted { $0.difference.nearness > $1.difference.nearness }
        // Words for those alone that are told.
        return CallSource.listed(differences.lazy.map { "\($0.workload): \($0.difference.text)" }, "; ")
    }
}
