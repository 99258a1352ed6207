import Diagnostics
import Manifests

/// Names of resources that are not there, of whatever kind.
extension SnapshotResolver {
    mutating func checkReferences() {
        let set = set
        set.forEachReference { check($0) }
    }

    private mutating func check(_ reference: Reference) {
        guard !set.has(ResourceIdentity(reference.kind, reference.name.value)) else { return }
        if let other = reference.other, set.has(ResourceIdentity(other.kind, reference.name.value)) {
            let name = reference.name.value
            report(
                reference.code, at: reference.name.position,
                found: "\(Diagnostic.quoted(name.name)), which is a \(other.kind.rawValue)",
                expected: "a \(reference.kind.rawValue) in namespace \(Diagnostic.quoted(name.namespace))",
                remedy: other.remedy)
        } else {
            reportUnknown(reference)
        }
    }

    private mutating func reportUnknown(_ reference: Reference) {
        let name = reference.name.value
        let kind = reference.kind.rawValue
        let candidates = suggestionsLeft > 0 ? set.names(reference.kind) : []
        guard reference.kind.scope == .namespace else {
            report(
                reference.code, at: reference.name.position, found: Diagnostic.quoted(name.name),
                expected: "the name of a \(kind)",
                remedy: remedy(for: name.name, among: candidates.map(\.name).sorted(), kind: kind))
            return
        }
        var hint = remedy(for: name.name, among: [], kind: kind)
        if let elsewhere = candidates.filter({ $0.name == name.name }).min() {
            hint =
                "name a \(kind) of namespace \(Diagnostic.quoted(name.namespace)): there is one of this name in "
                + Diagnostic.quoted(elsewhere.namespace)
            suggestionsLeft -= 1
        } else {
            let names = candidates.lazy.filter { $0.namespace == name.namespace }.map(\.name).sorted()
            hint = remedy(for: name.name, among: names, kind: kind)
        }
        report(
            reference.code, at: reference.name.position, found: Diagnostic.quoted(name.name),
            expected: "a \(kind) in namespace \(Diagnostic.quoted(name.namespace))", remedy: hint)
    }
}
