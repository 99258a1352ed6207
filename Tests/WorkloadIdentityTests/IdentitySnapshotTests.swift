import CommonValues
import Cryptography
import Foundation
import Testing

@testable import WorkloadIdentity

@Test func `what is shown of a certificate is what openssl reads and verifies`() throws {
    let test = try TestIssuer()
    let snapshot = try test.issuer.prepare(ids: [TestIssuer.web], settings: TestIssuer.settings()).snapshot
    let shown = try CertificateDescription(#require(snapshot.identities[TestIssuer.web]), bundle: snapshot.bundle)
    try test.write(Array(shown.chainPEM.utf8), to: "chain.pem")
    try test.write(Array(shown.bundlePEM.utf8), to: "bundle.pem")

    let verified = try openssl(["verify", "-x509_strict", "-CAfile", test.path("bundle.pem"), test.path("chain.pem")])
    #expect(verified.contains("chain.pem: OK"))
    let text = try openssl(["x509", "-in", test.path("chain.pem"), "-noout", "-text", "-serial"])
    #expect(text.contains("URI:spiffe://mesh.local/ns/shop/sa/web"))
    #expect(text.contains("serial=\(shown.serial)"))
    #expect(text.contains("X509v3 Key Usage: critical\n                Digital Signature\n"))
    #expect(text.contains("X509v3 Basic Constraints: critical\n                CA:FALSE"))
    #expect(text.contains("TLS Web Server Authentication, TLS Web Client Authentication"))
    #expect(text.contains("ASN1 OID: prime256v1"))
    let root = try openssl(["x509", "-in", test.path("bundle.pem"), "-noout", "-text"])
    #expect(root.contains("URI:spiffe://mesh.local\n"))
    #expect(root.contains("Certificate Sign, CRL Sign"))
    #expect(shown.id == TestIssuer.web)
    #expect(shown.notAfter == test.clock.now + .seconds(3600))
    #expect(shown.notBefore == test.clock.now - .seconds(30))
}

private func openssl(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: text, as: UTF8.self)
}
