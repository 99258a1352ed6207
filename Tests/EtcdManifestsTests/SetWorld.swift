import Cryptography
import Diagnostics
import EtcdClient
import Foundation
import HTTPTransfers
import Reconciliation
import SystemInterfaces
import TestSupport
import Testing

@testable import EtcdManifests

/// A real etcd, a store of sets in it, and keys.
final class SetWorld {
    let etcd: EtcdServer
    let loop: TransferLoop
    let store: SetStore
    let openssl: OpenSSLCommand
    let address: EtcdAddress
    private(set) var now: UInt64 = 1_000_000
    private var origins: [EtcdOrigin] = []

    init() throws {
        etcd = try EtcdServer()
        loop = try TransferLoop()
        openssl = try OpenSSLCommand()
        address = try EtcdAddress("etcd://127.0.0.1:\(etcd.port)/mesh/one")
        store = SetStore(address, EtcdAccess(endpoints: [etcd.endpoint]), on: loop)
        for name in ["one", "other"] {
            try openssl.run("genpkey", "-algorithm", "ed25519", "-out", "\(name).key")
            try openssl.run("pkey", "-in", "\(name).key", "-pubout", "-out", "\(name).pub")
        }
    }

    deinit {
        for origin in origins { origin.stop() }
        loop.stop()
    }

    func signer(_ name: String = "one") throws -> SetStore.Signer {
        SetStore.Signer(try PrivateKey(pem: openssl.contents(of: "\(name).key"), origin: name), origin: name)
    }

    func keys(_ name: String = "one") throws -> VerifyingKeys {
        try VerifyingKeys(pem: openssl.contents(of: "\(name).pub"), origin: name)
    }

    func origin(keys: VerifyingKeys? = nil, state: HeldFolder? = nil, patience: Duration = .seconds(60)) throws
        -> EtcdOrigin
    {
        var settings = EtcdOrigin.Settings(EtcdAccess(endpoints: [etcd.endpoint]))
        settings.keys = keys
        settings.stateFolder = state
        settings.patience = patience
        let origin = try EtcdOrigin(address, settings, on: loop)
        origins.append(origin)
        return origin
    }

    /// A folder for state, held.
    func state() throws -> HeldFolder {
        let path = openssl.path("state-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let held = HeldFolder(path)
        try held.hold(OpenFolder(path, followingLink: false))
        return held
    }

    @discardableResult
    func push(
        _ files: [String: String], signer: SetStore.Signer? = nil, expecting: Int64? = nil
    ) async throws -> SetRecord {
        now += 1
        switch try await store.push(Self.sources(files), signer: signer, expecting: expecting, now: now) {
        case .named(let record, let warnings):
            #expect(warnings.isEmpty)
            return record
        case .unchanged(let record): return record
        }
    }

    static func sources(_ files: [String: String]) -> [ManifestSource] {
        files.sorted { $0.key < $1.key }.map { ManifestSource(path: $0.key, bytes: Array($0.value.utf8)) }
    }

    func key(_ path: String, of record: SetRecord) -> String { "/mesh/one/sets/\(record.hash)/\(path)" }
}

extension FolderReading {
    var texts: [String: String] {
        Dictionary(uniqueKeysWithValues: files.map { ($0.path, String(decoding: $0.bytes, as: UTF8.self)) })
    }

    var codes: [Diagnostic.Code] { problems.map(\.code) }
}
