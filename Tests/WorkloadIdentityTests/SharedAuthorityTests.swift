import CommonValues
import Cryptography
import Foundation
import SPIFFE
import Testing
import TransportSecurity

@testable import WorkloadIdentity

@Suite struct `An authority that nodes share` {
    private let test: TestIssuer
    private let now = UnixTime(seconds: UnixTime.now.seconds)

    init() throws {
        test = try TestIssuer()
        try FileManager.default.createDirectory(atPath: test.folder, withIntermediateDirectories: true)
    }

    private func make(rootDays: Int = 30, signingDays: Int = 10) throws -> SharedAuthority {
        try SharedAuthority(
            for: TestIssuer.domain, rootLifetime: .seconds(rootDays * 86_400),
            signingLifetime: .seconds(signingDays * 86_400), at: now)
    }

    @Test func `lies in a folder that is its owner's alone`() throws {
        try make().write(to: test.path("shared"))
        #expect(try test.mode("shared") == 0o700)
        for file in SharedAuthority.File.allCases { #expect(try test.mode("shared/\(file.rawValue)") == 0o600) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: test.folder).sorted() == ["shared", "state"])
    }

    @Test func `lasts as long as was asked for, and was valid before it was made`() throws {
        let made = try make()
        let (root, signing) = (made.root.certificate, made.signing.certificate)
        #expect(root.notAfter == now + .seconds(30 * 86_400))
        #expect(signing.notAfter == now + .seconds(10 * 86_400))
        #expect(root.notBefore == now - SigningAuthority.rootBackdating)
        #expect(signing.notBefore == root.notBefore)
        #expect(throws: IdentityError.self) { try make(rootDays: 30, signingDays: 40) }
    }

    @Test func `is what an issuer takes, and sends its signing certificate along`() throws {
        let made = try make()
        try made.write(to: test.path("shared"))
        let files = AuthorityLocation.files(
            certificateFile: test.path("shared/signing.pem"), keyFile: test.path("shared/signing.key"))
        let prepared = try test.issuer.prepare(ids: [TestIssuer.web], settings: TestIssuer.settings(files))
        let web = try #require(prepared.snapshot.identities[TestIssuer.web])
        #expect(web.credentials.chain.dropFirst() == [made.signing.certificate])
        #expect(prepared.snapshot.bundle.roots == [made.signing.certificate, made.root.certificate])
    }

    @Test func `takes nothing's place, and leaves nothing where it fails`() throws {
        try make().write(to: test.path("shared"))
        let before = test.bytes("shared/root.pem")
        #expect(throws: IdentityError.self) { try make().write(to: test.path("shared")) }
        #expect(throws: IdentityError.self) { try make().write(to: test.path("shared/root.pem")) }
        #expect(throws: IdentityError.self) { try make().write(to: test.path("none/shared")) }
        #expect(test.bytes("shared/root.pem") == before)
        #expect(try FileManager.default.contentsOfDirectory(atPath: test.folder).sorted() == ["shared", "state"])
    }

    @Test func `has other signing certificates under its root while that is valid`() throws {
        try make().write(to: test.path("shared"))
        func under(_ domain: TrustDomain?, days: Int? = nil, at time: UnixTime) throws -> SharedAuthority {
            try SharedAuthority(
                under: test.path("shared"), for: domain, signingLifetime: days.map { .seconds(86_400 * $0) }, at: time)
        }
        let next = try under(nil, at: now)
        #expect(next.trustDomain == TestIssuer.domain)
        #expect(next.files == [.signingCertificate, .signingKey])
        #expect(next.signing.certificate.notAfter == next.root.certificate.notAfter)
        #expect(try under(nil, days: 30, at: now).signing.certificate.notAfter == next.root.certificate.notAfter)
        let error = #expect(throws: IdentityError.self) { try under(nil, days: 31, at: now) }
        let end = "outlive its root, which ends at \(next.root.certificate.notAfter): 30 days are left"
        #expect(
            error?.message.contains(end) == true, "nothing is cut off that was asked for: \(String(describing: error))")
        #expect(throws: IdentityError.self) { try under(TrustDomain("other.example"), at: now) }
        #expect(throws: IdentityError.self) { try under(nil, at: next.root.certificate.notAfter) }
        #expect(throws: IdentityError.self) { try under(nil, at: next.root.certificate.notBefore - .seconds(1)) }
    }
}
