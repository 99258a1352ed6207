import CommonValues
import Cryptography
import Foundation
import Logging
import SPIFFE
import Synchronization
import SystemInterfaces

@testable import WorkloadIdentity

/// An issuer with a state folder of its own and a clock that the test moves.
final class TestIssuer: Sendable {
    static let domain = TrustDomain("mesh.local")!
    static let web = SPIFFEID(trustDomain: domain, namespace: "shop", serviceAccount: "web")
    static let orders = SPIFFEID(trustDomain: domain, namespace: "shop", serviceAccount: "orders")

    let folder: String
    let clock: TestClock
    let issuer: IdentityIssuer

    init(clock: TestClock = TestClock()) throws {
        folder = NSTemporaryDirectory() + "heddle-identity-" + UUID().uuidString
        self.clock = clock
        issuer = try Self.makeIssuer(folder, clock)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// A second process on the same state folder.
    func restarted() throws -> IdentityIssuer { try Self.makeIssuer(folder, clock) }

    /// The folder, made if it is not there, by its descriptor.
    static func held(_ path: String) throws -> HeldFolder {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let held = HeldFolder(path)
        try held.hold(OpenFolder(path))
        return held
    }

    private static func makeIssuer(_ folder: String, _ clock: TestClock) throws -> IdentityIssuer {
        try IdentityIssuer(
            stateFolder: held(folder + "/state"), clock: clock.identityClock, random: CountingGenerator(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    static func settings(
        ttl: Duration = .seconds(3600), _ authority: AuthorityLocation = .builtIn
    ) -> IssuingSettings {
        IssuingSettings(trustDomain: domain, svidTTL: ttl, authority: authority)
    }

    /// An operator's authority in `operator.pem` and `operator.key`.
    var operatorFiles: AuthorityLocation {
        .files(certificateFile: path("operator.pem"), keyFile: path("operator.key"))
    }

    func writeOperatorAuthority(_ authority: SigningAuthority, also others: [Certificate] = []) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let certificates = try ([authority.certificate] + others).flatMap { try $0.pem() }
        try write(certificates, to: "operator.pem")
        try write(authority.key.pem(), to: "operator.key")
    }

    func write(_ bytes: [UInt8], to name: String, mode: Int = 0o600) throws {
        let made = FileManager.default.createFile(
            atPath: path(name), contents: Data(bytes), attributes: [.posixPermissions: mode])
        guard made else { throw CocoaError(.fileWriteUnknown) }
    }

    func bytes(_ name: String) -> [UInt8]? { FileManager.default.contents(atPath: path(name)).map { [UInt8]($0) } }

    func mode(_ name: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: path(name))[.posixPermissions] as? Int ?? -1
    }
}

final class TestClock: Sendable {
    private let time: Mutex<UnixTime>

    /// Begins at a whole second, as certificates have no others.
    init() { time = Mutex(UnixTime(seconds: UnixTime.now.seconds)) }

    var now: UnixTime { time.withLock { $0 } }

    func advance(by duration: Duration) { time.withLock { $0 = $0 + duration } }

    /// A wait moves the clock on at once.
    var identityClock: IdentityClock {
        IdentityClock(
            now: { [self] in now },
            sleep: { [self] duration in
                try Task.checkCancellation()
                advance(by: duration)
                await Task.yield()
            })
    }
}

/// The same numbers in every run.
struct CountingGenerator: RandomNumberGenerator, Sendable {
    private var last: UInt64 = 0

    mutating func next() -> UInt64 {
        last &+= 0x9E37_79B9_7F4A_7C15
        return last
    }
}
