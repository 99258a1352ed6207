import CommonValues
import Cryptography
import Foundation
import SPIFFE
import Testing
import TransportSecurity

@testable import WorkloadIdentity

@Suite struct `The issuer` {
    let test: TestIssuer
    let ids: Set<SPIFFEID> = [TestIssuer.web, TestIssuer.orders]

    init() throws { test = try TestIssuer() }

    @discardableResult
    private func serve(
        _ settings: IssuingSettings = TestIssuer.settings(), on issuer: IdentityIssuer? = nil
    ) throws -> IdentitySnapshot {
        let issuer = issuer ?? test.issuer
        let prepared = try issuer.prepare(ids: ids, settings: settings)
        issuer.commit(prepared)
        return prepared.snapshot
    }

    private func failure(_ settings: IssuingSettings) -> IdentityError? {
        do throws(IdentityError) {
            _ = try test.issuer.prepare(ids: ids, settings: settings)
            return nil
        } catch {
            return error
        }
    }

    @Test func `every identity asked for is issued by the root of the bundle`() throws {
        let snapshot = try serve()
        #expect(Set(snapshot.identities.keys) == ids)
        let web = try #require(snapshot.identities[TestIssuer.web])
        #expect(web.id == TestIssuer.web)
        #expect(web.notAfter == test.clock.now + .seconds(3600))
        #expect(snapshot.bundle.roots.count == 1)
        #expect(test.issuer.snapshot?.number == snapshot.number)
    }

    @Test func `what is prepared and dropped changes nothing`() throws {
        let before = try serve()
        do { _ = try test.issuer.prepare(ids: [], settings: TestIssuer.settings()) }
        #expect(test.issuer.snapshot?.number == before.number)
        #expect(test.issuer.snapshot?.identities.count == 2)
        test.clock.advance(by: .seconds(1800))
        test.issuer.renew()
        #expect(test.issuer.snapshot?.number != before.number)
    }

    /// Names, bytes and modes.
    private func stateFolder() throws -> [String] {
        let state = test.path("state")
        return try FileManager.default.subpathsOfDirectory(atPath: state).sorted().map { name in
            let facts = try FileManager.default.attributesOfItem(atPath: "\(state)/\(name)")
            let bytes = FileManager.default.contents(atPath: "\(state)/\(name)")?.base64EncodedString() ?? ""
            return "\(name) \(facts[.posixPermissions] ?? "") \(facts[.systemFileNumber] ?? "") \(bytes)"
        }
    }

    @Test func `a rehearsal leaves no trace, whether there is an authority or none`() throws {
        let other = IssuingSettings(
            trustDomain: TrustDomain("other.example")!, svidTTL: .seconds(60), authority: .builtIn)
        let empty = try stateFolder()
        let rehearsed = try test.issuer.rehearse(ids: ids, settings: TestIssuer.settings())
        #expect(Set(rehearsed.identities.keys) == ids)
        #expect(try stateFolder() == empty)
        #expect(test.issuer.snapshot == nil)

        let served = try serve()
        let before = try stateFolder()
        for settings in [TestIssuer.settings(), other] {
            _ = try test.issuer.rehearse(ids: settings.trustDomain == TestIssuer.domain ? ids : [], settings: settings)
        }
        #expect(try stateFolder() == before)
        #expect(test.issuer.snapshot?.number == served.number)
        #expect(test.issuer.problem == nil)
        // Not a preparation that renewing would wait for.
        test.clock.advance(by: .seconds(1800))
        test.issuer.renew()
        #expect(test.issuer.snapshot?.number == served.number + 1)
    }

    @Test func `a rehearsal is refused what issuing would be refused`() throws {
        try Data().write(to: URL(filePath: test.path("state/authority")))
        let refused = try #require(failure(TestIssuer.settings()))
        #expect(refused.code == .stateFolder)
        #expect(throws: refused) { try test.issuer.rehearse(ids: ids, settings: TestIssuer.settings()) }
        let files = TestIssuer.settings(test.operatorFiles)
        #expect(failure(files)?.code == .authorityUnusable)
        #expect(throws: IdentityError.self) { try test.issuer.rehearse(ids: ids, settings: files) }
    }

    @Test func `a reload keeps certificates that still fit`() throws {
        let before = try serve()
        let more = SPIFFEID(trustDomain: TestIssuer.domain, namespace: "shop", serviceAccount: "new")
        let prepared = try test.issuer.prepare(ids: ids.union([more]), settings: TestIssuer.settings())
        let web = TestIssuer.web
        #expect(prepared.snapshot.identities[web]?.credentials.leaf == before.identities[web]?.credentials.leaf)
        #expect(prepared.snapshot.identities[more] != nil)
        #expect(try serve().number == before.number)
        #expect(try serve(TestIssuer.settings(ttl: .seconds(60))).number != before.number)
    }

    @Test func `the same root serves after a restart`() throws {
        let root = try serve().bundle.roots
        #expect(try serve(on: test.restarted()).bundle.roots == root)
    }

    @Test func `the state is closed to others`() throws {
        try serve()
        #expect(try test.mode("state/authority") == 0o700)
        #expect(try test.mode("state/authority/root-mesh.local.pem") == 0o600)
        #expect(try test.mode("state/authority/bundle-mesh.local.pem") == 0o600)
    }

    @Test func `what a killed process left half-written is passed over`() throws {
        let root = try serve().bundle.roots
        try test.write(Array("-----BEGIN".utf8), to: "state/authority/root-mesh.local.pem.new")
        #expect(try serve(on: test.restarted()).bundle.roots == root)
        try test.write(Array("-----BEGIN".utf8), to: "state/authority/bundle-mesh.local.pem")
        #expect(try serve(on: test.restarted()).bundle.roots == root)
    }

    @Test func `a root that cannot be read is never replaced by a new one`() throws {
        try serve()
        try test.write(Array("garbage".utf8), to: "state/authority/root-mesh.local.pem")
        let error = failure(TestIssuer.settings())
        #expect(error?.code == .authorityUnusable)
        #expect(error?.cause?.code == .malformedPEM)
        #expect(test.bytes("state/authority/root-mesh.local.pem") == Array("garbage".utf8))
    }

    @Test func `a folder of keys that cannot be made is an error`() throws {
        try test.write([], to: "state/authority")
        #expect(failure(TestIssuer.settings())?.code == .stateFolder)
    }

    @Test func `nothing is taken of a folder that stands where the state folder stood`() throws {
        let served = try serve()
        let stranger = try TestIssuer()
        let prepared = try stranger.issuer.prepare(ids: ids, settings: TestIssuer.settings())
        stranger.issuer.commit(prepared)
        try FileManager.default.moveItem(atPath: test.path("state"), toPath: test.path("moved"))
        try FileManager.default.copyItem(atPath: stranger.path("state"), toPath: test.path("state"))
        let theirs = test.bytes("state/authority/bundle-mesh.local.pem")
        test.issuer.renew()
        #expect(test.issuer.problem == nil)
        #expect(test.issuer.snapshot?.number == served.number)
        test.clock.advance(by: .seconds(1800))
        test.issuer.renew()
        #expect(test.issuer.snapshot?.number != served.number)
        #expect(test.issuer.snapshot?.authority == served.authority)
        #expect(test.bytes("state/authority/bundle-mesh.local.pem") == theirs)
    }

    @Test func `where nothing stands any more, what was issued goes on, and it is said by the folder's own name`()
        throws
    {
        let served = try serve()
        try FileManager.default.removeItem(atPath: test.path("state"))
        test.issuer.renew()
        #expect(test.issuer.problem?.code == .stateFolder)
        #expect(test.issuer.problem?.message.contains(test.path("state/authority")) == true)
        #expect(test.issuer.snapshot?.number == served.number)
        #expect(!FileManager.default.fileExists(atPath: test.path("state")))
    }

    @Test func `certificates are renewed between four and five tenths of their life`() throws {
        let before = try serve()
        test.clock.advance(by: .seconds(1439))
        test.issuer.renew()
        #expect(test.issuer.snapshot?.number == before.number)
        test.clock.advance(by: .seconds(361))
        test.issuer.renew()
        let after = try #require(test.issuer.snapshot)
        for id in ids { #expect(after.identities[id]?.notAfter == test.clock.now + .seconds(3600)) }
        #expect(after.bundle === before.bundle)
    }

    @Test func `an open preparation holds renewals back`() throws {
        try serve()
        let prepared = try test.issuer.prepare(ids: ids, settings: TestIssuer.settings(ttl: .seconds(7200)))
        test.clock.advance(by: .seconds(3000))
        test.issuer.renew()
        test.issuer.commit(prepared)
        #expect(test.issuer.snapshot?.number == prepared.snapshot.number)
    }

    @Test func `followers get the snapshot served and those that come after`() async throws {
        try serve()
        var snapshots = test.issuer.snapshots().makeAsyncIterator()
        let first = await snapshots.next()
        let run = Task { [issuer = test.issuer] in await issuer.run() }
        let second = await snapshots.next()
        run.cancel()
        await run.value
        #expect(try #require(second).number > #require(first).number)
    }

    @Test func `an operator's authority signs and is trusted, with what its file holds besides`() throws {
        let authority = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        let next = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(authority, also: [next.certificate])
        let snapshot = try serve(TestIssuer.settings(test.operatorFiles))
        #expect(snapshot.bundle.roots == [authority.certificate, next.certificate])
        #expect(snapshot.identities[TestIssuer.web]?.credentials.chain.count == 1)
    }

    @Test func `files that were replaced are taken up, and the old root stays for a day`() throws {
        let old = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(old)
        let before = try serve(TestIssuer.settings(test.operatorFiles))

        let new = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(new)
        test.issuer.renew()
        let after = try #require(test.issuer.snapshot)
        #expect(after.number > before.number)
        #expect(after.bundle.roots == [new.certificate, old.certificate])
        #expect(
            after.identities[TestIssuer.web]?.credentials.leaf != before.identities[TestIssuer.web]?.credentials.leaf)

        // A restart forgets neither the old root nor when it goes.
        let restarted = try test.restarted()
        test.clock.advance(by: .seconds(86_399))
        #expect(try serve(TestIssuer.settings(test.operatorFiles), on: restarted).bundle.roots.count == 2)
        test.clock.advance(by: .seconds(1))
        restarted.renew()
        #expect(restarted.snapshot?.bundle.roots == [new.certificate])
    }

    @Test
    func `an operator's authority signs where nothing can be written down, and what is trusted is known meanwhile`()
        throws
    {
        let old = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(old)
        try FileManager.default.createDirectory(atPath: test.path("state"), withIntermediateDirectories: true)
        try test.write([], to: "state/authority")
        #expect(try serve(TestIssuer.settings(test.operatorFiles)).bundle.roots == [old.certificate])
        let new = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(new)
        test.issuer.renew()
        #expect(test.issuer.problem == nil)
        #expect(test.issuer.snapshot?.bundle.roots == [new.certificate, old.certificate])

        // It is written down once that can be done, with the time that the old root still has.
        test.clock.advance(by: .seconds(86_000))
        try FileManager.default.removeItem(atPath: test.path("state/authority"))
        test.issuer.renew()
        let restarted = try test.restarted()
        #expect(try serve(TestIssuer.settings(test.operatorFiles), on: restarted).bundle.roots.count == 2)
        test.clock.advance(by: .seconds(400))
        restarted.renew()
        #expect(restarted.snapshot?.bundle.roots == [new.certificate])
    }

    @Test func `roots of another trust domain are not trusted where nothing can be written down`() throws {
        let authority = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(authority)
        try FileManager.default.createDirectory(atPath: test.path("state"), withIntermediateDirectories: true)
        try test.write([], to: "state/authority")
        try serve(TestIssuer.settings(test.operatorFiles))
        let domain = try #require(TrustDomain("other.example"))
        let other = try SigningAuthority.makeRoot(for: domain, at: .now)
        try test.writeOperatorAuthority(other)
        let prepared = try test.issuer.prepare(
            ids: [],
            settings: IssuingSettings(trustDomain: domain, svidTTL: .seconds(60), authority: test.operatorFiles))
        #expect(prepared.snapshot.bundle.roots == [other.certificate])
    }

    @Test func `a built-in root that cannot be followed by another serves on until its end`() throws {
        let root = try #require(serve().authority.first)
        let draft = test.path("state/authority/root-mesh.local.pem.new")
        try FileManager.default.createDirectory(atPath: draft, withIntermediateDirectories: true)
        test.clock.advance(by: SigningAuthority.rootLifetime - .seconds(86_400))
        test.issuer.renew()
        #expect(test.issuer.problem == nil)
        #expect(test.issuer.snapshot?.authority == [root])
        test.clock.advance(by: .seconds(86_400))
        test.issuer.renew()
        #expect(test.issuer.problem?.code == .stateFolder)
        try FileManager.default.removeItem(atPath: draft)
        test.issuer.renew()
        #expect(test.issuer.problem == nil)
        #expect(test.issuer.snapshot?.authority != [root])
    }

    @Test func `half-replaced files are a problem that passes, and the old identities serve on`() throws {
        let old = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(old)
        let before = try serve(TestIssuer.settings(test.operatorFiles))
        let new = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.write(new.key.pem(), to: "operator.key")
        test.issuer.renew()
        #expect(test.issuer.problem?.cause?.code == .keyMismatch)
        #expect(test.issuer.snapshot?.number == before.number)
        #expect(failure(TestIssuer.settings(test.operatorFiles))?.cause?.code == .keyMismatch)
        try test.writeOperatorAuthority(new)
        test.issuer.renew()
        #expect(test.issuer.problem == nil)
        #expect(test.issuer.snapshot?.bundle.roots.first == new.certificate)
    }

    @Test func `who asks what is wrong is told of the files as they are then`() throws {
        let authority = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(authority)
        _ = try serve(TestIssuer.settings(test.operatorFiles))
        try test.write(Array("junk".utf8), to: "operator.key")
        test.issuer.renew()
        let first = test.issuer.problemNow()
        try test.write(SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now).key.pem(), to: "operator.key")
        let second = test.issuer.problemNow()
        #expect(first != nil && second != nil && first != second)
        try test.writeOperatorAuthority(authority)
        #expect(test.issuer.problemNow() == nil)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a renewal that fails, and one that succeeds again, is announced once`() async throws {
        let authority = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(authority)
        _ = try serve(TestIssuer.settings(test.operatorFiles))
        var changes = test.issuer.problemChanges.makeAsyncIterator()
        test.issuer.renew()
        try test.write(Array("junk".utf8), to: "operator.key")
        test.issuer.renew()
        await changes.next()
        test.issuer.renew()
        #expect(test.issuer.problem != nil)
        try test.writeOperatorAuthority(authority)
        test.issuer.renew()
        await changes.next()
        #expect(test.issuer.problem == nil)
    }

    @Test func `a root that has gone from the authority is named for as long as it is trusted`() throws {
        let old = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(old)
        #expect(try serve(TestIssuer.settings(test.operatorFiles)).former.isEmpty)
        let new = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(new)
        test.issuer.renew()
        let until = test.clock.now + IssuingSettings.longestTTL
        #expect(test.issuer.snapshot?.former == [FormerRoot(certificate: old.certificate, until: until)])
        test.clock.advance(by: IssuingSettings.longestTTL)
        test.issuer.renew()
        #expect(test.issuer.snapshot?.former.isEmpty == true)
        #expect(test.issuer.snapshot?.bundle.roots == [new.certificate])
    }

    @Test func `an expired authority is reported and repaired by new files`() throws {
        let old = try SigningAuthority.makeRoot(
            for: TestIssuer.domain, at: .now - SigningAuthority.rootLifetime + .seconds(1000))
        try test.writeOperatorAuthority(old)
        let before = try serve(TestIssuer.settings(test.operatorFiles))
        #expect(before.identities[TestIssuer.web]?.notAfter == old.certificate.notAfter)
        test.clock.advance(by: .seconds(2000))
        test.issuer.renew()
        #expect(test.issuer.problem?.code == .authorityExpired)
        #expect(test.issuer.problem?.message.contains("expired at") == true)
        try test.writeOperatorAuthority(SigningAuthority.makeRoot(for: TestIssuer.domain, at: test.clock.now))
        test.issuer.renew()
        #expect(test.issuer.problem == nil)
        #expect(test.issuer.snapshot?.bundle.roots.count == 1)
    }

    @Test func `a key file that others may read is refused`() throws {
        let authority = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(authority)
        try test.write(authority.key.pem(), to: "operator.key", mode: 0o640)
        let error = failure(TestIssuer.settings(test.operatorFiles))
        #expect(error?.cause?.code == .exposedKeyFile)
        #expect(error?.message.contains("operator.key") == true)
    }

    @Test func `a missing file and a leaf in an authority's place are refused`() throws {
        #expect(failure(TestIssuer.settings(test.operatorFiles))?.cause?.code == .unreadableFile)
        let authority = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(authority)
        let leaf = try authority.issue(TestIssuer.web, lifetime: .seconds(60), at: .now)
        try test.write(leaf.credentials.leaf.pem(), to: "operator.pem")
        try test.write(leaf.credentials.key.pem(), to: "operator.key")
        #expect(failure(TestIssuer.settings(test.operatorFiles))?.cause?.code == .unsuitableCertificate)
    }

    @Test func `a built-in root that nears its end is followed by a new one`() throws {
        let old = try serve().bundle.roots
        test.clock.advance(by: SigningAuthority.rootLifetime - .seconds(86_400))
        test.issuer.renew()
        let roots = try #require(test.issuer.snapshot).bundle.roots
        #expect(roots.count == 2)
        #expect(roots.last == old.first)
    }

    @Test func `another trust domain has a root of its own, and the first one's is not lost`() throws {
        let first = try serve().bundle.roots
        let domain = TrustDomain("other.example")!
        let prepared = try test.issuer.prepare(
            ids: [SPIFFEID(trustDomain: domain, namespace: "a", serviceAccount: "b")],
            settings: IssuingSettings(trustDomain: domain, svidTTL: .seconds(60), authority: .builtIn))
        #expect(prepared.snapshot.bundle.roots != first)
        #expect(try serve().bundle.roots == first)
    }

    // MARK: A clock that is wrong for a moment

    @Test(arguments: [IssuingSettings.longestTTL, .seconds(365 * 86_400 * 20)])
    func `a step of the clock ahead and back leaves certificates that are valid now`(step: Duration) throws {
        try serve()
        test.clock.advance(by: step)
        test.issuer.renew()
        test.clock.advance(by: .zero - step)
        test.issuer.renew()
        #expect(test.issuer.problem == nil)
        let snapshot = try #require(test.issuer.snapshot)
        let now = test.clock.now
        for svid in snapshot.identities.values {
            #expect(svid.notBefore <= now && now < svid.notAfter)
            // What a peer with the same roots would say of it.
            let root = try #require(snapshot.bundle.roots.first)
            #expect(root.notBefore <= svid.notBefore && svid.notAfter <= root.notAfter)
        }
    }

    @Test func `a root made while the clock was ahead does not stand in the way of a change`() throws {
        test.clock.advance(by: .seconds(7 * 86_400))
        try serve()
        test.clock.advance(by: .seconds(-7 * 86_400))
        #expect(failure(TestIssuer.settings()) == nil)
        let roots = try serve().bundle.roots
        #expect(roots.count == 1)
    }

    @Test func `a step of the clock does not have a root forgotten that is still needed`() throws {
        let old = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(old)
        try serve(TestIssuer.settings(test.operatorFiles))
        let new = try SigningAuthority.makeRoot(for: TestIssuer.domain, at: .now)
        try test.writeOperatorAuthority(new)
        test.issuer.renew()
        test.clock.advance(by: .seconds(2 * 86_400))
        test.issuer.renew()
        #expect(test.issuer.snapshot?.bundle.roots == [new.certificate])
        test.clock.advance(by: .seconds(-2 * 86_400))
        test.issuer.renew()
        #expect(test.issuer.snapshot?.bundle.roots == [new.certificate, old.certificate])
    }

    // MARK: Folders that are not ours

    @Test func `a folder of keys that is open is closed, but nothing behind a link is`() throws {
        try serve()
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: test.path("state/authority"))
        try serve()
        #expect(try test.mode("state/authority") == 0o700)

        let elsewhere = test.path("elsewhere")
        try FileManager.default.createDirectory(
            atPath: elsewhere, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        try FileManager.default.removeItem(atPath: test.path("state/authority"))
        try FileManager.default.createSymbolicLink(
            atPath: test.path("state/authority"), withDestinationPath: elsewhere)
        #expect(failure(TestIssuer.settings())?.code == .stateFolder)
        #expect(try test.mode("elsewhere") == 0o755)
    }
}
