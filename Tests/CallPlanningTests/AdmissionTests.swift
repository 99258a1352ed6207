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

    // MARK: Why not

    private static func refusal(_ selectors: [(String, String)], _ process: CallSource.ProcessSeen) throws
        -> ProcessRefusal
    {
        let source = CallSource(peer: .unspecified, listenerPort: 0)
        source.see(process)
        return source.refusal(
            at: "Node here", by: try admission(selectors),
            in: CallTables(number: 1, services: [], hosts: ByteTable([])))
    }

    @Test func `a process that is refused is told of with what was found, and what stood in the way`() throws {
        let none = try Self.refusal(
            [("a", "[{unix: {uid: 1}}]"), ("b", "[{unix: {uid: 2, path: /b}}]")],
            .found(LocalProcess(uid: 2, executable: .known("/c"))))
        #expect(none.listener == "Node here")
        #expect(none.found == #"uid 2, executable "/c""#)
        #expect(none.why == "shop/b: selectors[0] says path /b; shop/a: selectors[0] says uid 1")
        let several = try Self.refusal(
            [("a", "[{unix: {uid: 1}}]"), ("b", "[{unix: {uid: 1}}]")], .found(LocalProcess(uid: 1)))
        #expect(several.why == "it is shop/a and shop/b, and must be one of them")
        let gone = try Self.refusal([("a", "[{unix: {uid: 1}}]")], .nobody("it has closed the connection"))
        #expect((gone.found, gone.why) == ("nobody", "it has closed the connection"))
        #expect(try Self.refusal([], .found(LocalProcess(uid: 1))).why == "no workload that calls there has selectors")
        // A call that began as another's.
        let other = try Self.refusal([("a", "[{unix: {uid: 1}}]")], .found(LocalProcess(uid: 1)))
        #expect(other.why == "it is shop/a now, and was another workload when its call began")
    }

    @Test func `of very many workloads those are told that it comes nearest to, and how many more there are`() throws {
        let many =
            (0..<100).map { ("w\($0)", "[{unix: {uid: \($0 + 10)}}]") } + [("near", "[{unix: {uid: 1, path: /a}}]")]
        let refusal = try Self.refusal(many, .found(LocalProcess(uid: 1, executable: .known("/b"))))
        #expect(refusal.why.hasPrefix("shop/near: selectors[0] says path /a; shop/w"), "\(refusal.why)")
        #expect(refusal.why.hasSuffix("; 98 more"), "\(refusal.why)")
        let all = (0..<100).map { ("w\($0)", "[{unix: {uid: 1}}]") }
        #expect(
            try Self.refusal(all, .found(LocalProcess(uid: 1))).why
                == "it is shop/w0 and shop/w1 and shop/w2 and 97 more, and must be one of them")
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
