import Attestation
import Authorization
import CommonValues
import Manifests
import SPIFFE
import Testing

@testable import CallPlanning

/// Who a process is at a listener of workloads.
struct AdmissionTests {
    private static func admission(_ selectors: [(String, String)]) throws -> Admission {
        let domain = try #require(TrustDomain("mesh.local"))
        return Admission(
            try selectors.map { name, selectors in
                let text = """
                    apiVersion: heddle/v1
                    kind: Workload
                    metadata: {name: \(name), namespace: shop}
                    spec: {serviceAccount: \(name), selectors: \(selectors)}
                    """
                let workload = try #require(
                    ManifestDecoder.decode(Array(text.utf8), path: "m").resources.first as? Workload)
                return Admission.Candidate(
                    workload: workload.metadata.name,
                    hosts: OutboundTable(
                        caller: Caller(SPIFFEID(trustDomain: domain, namespace: "shop", serviceAccount: name)),
                        namespace: "shop", shortHosts: nil),
                    selectors: SelectorProgram(workload.selectors, of: workload.metadata.name, HostAccounts()))
            })
    }

    private static func verdict(_ admission: Admission, _ process: LocalProcess) -> String {
        switch admission.verdict(on: process) {
        case .admitted(let index): admission.candidates[index].workload.name
        case .nobody: "nobody"
        case .several(let names): names.map(\.name).joined(separator: "+")
        case .needs(let depth): "needs \(depth)"
        }
    }

    @Test func `exactly one workload must match, or the process has no identity`() throws {
        let admission = try Self.admission([
            ("a", "[{unix: {uid: 1}}]"), ("b", "[{unix: {uid: 2}}]"), ("c", "[{unix: {uid: 2, gid: 7}}]"),
        ])
        #expect(Self.verdict(admission, LocalProcess(uid: 1)) == "a")
        #expect(Self.verdict(admission, LocalProcess(uid: 3)) == "nobody")
        // Whether it is another's, too, has to be known.
        #expect(Self.verdict(admission, LocalProcess(uid: 2)) == "needs process")
        #expect(Self.verdict(admission, LocalProcess(uid: 2, gid: .known(7))) == "b+c")
        #expect(Self.verdict(admission, LocalProcess(uid: 2, gid: .known(8))) == "b")
        #expect(Self.verdict(try Self.admission([]), LocalProcess(uid: 2)) == "nobody")
        // Two instances of one account are one; what a process was started as it is.
        let twins = try Self.admission([("a", "[{unix: {uid: 1}}]"), ("a", "[{unix: {uid: 1}}]")])
        #expect(Self.verdict(twins, LocalProcess(uid: 1)) == "a")
        let started = try Self.admission([("a", "[{unix: {uid: 1}}]"), ("b", "[{exec: {}}]")])
        let asB = LocalProcess(uid: 1, startedAs: .known(ResourceName(namespace: "shop", name: "b")))
        #expect(Self.verdict(started, asB) == "b")
        #expect(Self.verdict(started, LocalProcess(uid: 1, startedAs: .known(nil))) == "a")
    }

    @Test func `what is known of a process is held against each generation's selectors anew`() throws {
        let source = CallSource(peer: .unspecified, listenerPort: 0)
        let (one, two) = (
            try Self.admission([("a", "[{unix: {uid: 1}}]")]), try Self.admission([("a", "[{unix: {uid: 2}}]")])
        )
        func verdict(_ admission: Admission, _ number: UInt64) -> String {
            switch source.verdict(of: admission, in: CallTables(number: number, services: [], hosts: ByteTable([]))) {
            case .admitted: "admitted"
            case .nobody: "nobody"
            case .several: "several"
            case .needs(let depth): "needs \(depth)"
            }
        }
        #expect(verdict(one, 1) == "needs controlGroup")
        source.see(.found(LocalProcess(uid: 1)))
        #expect(verdict(one, 1) == "admitted")
        #expect(verdict(two, 2) == "nobody")
        #expect(verdict(one, 3) == "admitted")
        source.see(.nobody("it has closed the connection"))
        #expect(verdict(one, 3) == "nobody")
    }
}
