import CommonValues
import Cryptography
import Diagnostics
import EventLoops
import Manifests
import Testing

@testable import Forwarding

/// What Gateway listeners show while files cannot be used, as a value.
@Suite struct GatewayCertificatesTests {
    private typealias Certificates = GatewayCertificates<String>

    private func listener(
        _ hostname: String?, _ file: String, gateway: String = "edge", address: String = "127.0.0.1"
    ) -> SecureListener {
        let position = SourcePosition(file: "a.yaml", line: 1, column: 1)
        return SecureListener(
            address: .ip(IPAddress(address)!, port: 443), gateway: ResourceName(namespace: "shop", name: gateway),
            hostname: hostname,
            tls: ListenerTLS(
                certificateFile: Located("\(file).pem", at: position), keyFile: Located("\(file).key", at: position)))
    }

    /// Files hold what they are called, except those that are `bad`.
    private func read(_ bad: Set<String> = []) -> (ListenerTLS) -> Result<String, CryptographyError> {
        { tls in
            let name = String(tls.certificateFile.value.dropLast(4))
            return bad.contains(name) ? .failure(CryptographyError(.keyMismatch, name)) : .success(name)
        }
    }

    @Test func `a listener shows what its files hold`() {
        let listeners = [listener("a.example", "a"), listener(nil, "b")]
        let (certificates, faults) = Certificates().following(listeners, read: read())
        #expect(listeners.map { certificates.credentials(for: $0) } == ["a", "b"])
        #expect(faults.isEmpty)
    }

    @Test func `files that turned bad change nothing for what they were read for`() {
        let shop = listener("a.example", "a")
        let serving = Certificates().following([shop], read: read()).certificates
        let (next, faults) = serving.following([shop], read: read(["a"]))
        #expect(next.credentials(for: shop) == "a")
        #expect(faults.map(\.formerGoesOn) == [true])
    }

    @Test func `a new certificate that is bad leaves the name with the former one, and every time after that`() {
        var serving = Certificates().following([listener("a.example", "old")], read: read()).certificates
        let next = listener("a.example", "new")
        for _ in 0..<2 {
            let (after, faults) = serving.following([next], read: read(["new"]))
            #expect(after.credentials(for: next) == "old")
            #expect(faults.map(\.formerGoesOn) == [true])
            serving = after
        }
        #expect(serving.following([next], read: read()).certificates.credentials(for: next) == "new")
    }

    @Test(
        arguments: [
            // Narrowed, widened, another name; another Gateway's; nothing before.
            ("*.example", "a.example", "edge"), ("a.example", "*.example", "edge"), ("a.example", "b.example", "edge"),
            (nil, "a.example", "edge"), ("a.example", nil, "edge"), ("a.example", "a.example", "other"),
        ] as [(String?, String?, String)])
    func `the certificate of a name that goes or is another's is kept for nobody`(
        before: String?, after: String?, gateway: String
    ) {
        let serving = Certificates().following([listener(before, "old")], read: read()).certificates
        let next = listener(after, "new", gateway: gateway)
        let (certificates, faults) = serving.following([next], read: read(["new"]))
        #expect(certificates.credentials(for: next) == nil)
        #expect(faults.map(\.formerGoesOn) == [false])
        // Nor does it come back with the name.
        let back = listener(before, "third")
        let again = certificates.following([back], read: read(["third"])).certificates
        #expect(again.credentials(for: back) == nil)
    }

    @Test func `a listener that moves takes what was read from the same files for its name`() {
        let serving = Certificates().following([listener("a.example", "a")], read: read()).certificates
        let moved = listener("a.example", "a", gateway: "other", address: "0.0.0.0")
        #expect(serving.following([moved], read: read(["a"])).certificates.credentials(for: moved) == "a")
        let renamed = listener("b.example", "a")
        #expect(serving.following([renamed], read: read(["a"])).certificates.credentials(for: renamed) == nil)
    }

    @Test func `what could not be read is read again, and nothing else`() {
        let listeners = [listener("a.example", "a"), listener("b.example", "b")]
        let serving = Certificates().following(listeners, read: read(["b"])).certificates
        var asked: [String] = []
        let (next, faults) = serving.following(listeners, readsAgain: false) { tls in
            asked.append(tls.certificateFile.value)
            return .success("new")
        }
        #expect(asked == ["b.pem"])
        #expect(listeners.map { next.credentials(for: $0) } == ["a", "new"])
        #expect(faults.isEmpty)
    }
}
