import Diagnostics
import Forwarding
import Foundation
import MeshFixtures
import SystemInterfaces
import TestSupport
import Testing

@testable import NodeServing

/// What selectors say of this host that is not so there.
struct SelectorWarningTests {
    /// Of a host where a user and a group have names as a directory has them.
    private static let accounts = AccountTable { key in
        [#"user SHOP\web master"#: 4_001, #"group SHOP\web master"#: 4_002][key].map { .found([$0]) } ?? .absent
    }

    private static func workload(_ selectors: String) -> String {
        """
        apiVersion: heddle/v1
        kind: Workload
        metadata: {name: web-1}
        spec:
          serviceAccount: web
          outbound: {listen: "127.0.0.1:\(TestPort.free())"}
          selectors: \(selectors)
        """
    }

    @Test func `a name beside a number that is another's is told of, and both of one are not`() async throws {
        let node = try TestNode(accounts: Self.accounts)
        let name = #"'SHOP\web master'"#
        let said = try await node.serve(
            Self.workload(
                "[{unix: {user: \(name), uid: 4002}}, {unix: {user: \(name), uid: 4001, group: \(name), gid: 7}}, {unix: {user: \(name)}}]"
            ))
        #expect(said.map(\.code) == [.contradictingAccount, .contradictingAccount])
        #expect(said.map(\.position.line) == [7, 7])
        #expect(said.map(\.position.column) == [29, 112])
        #expect(
            said.map(\.remedy) == [
                "change uid to 4001, or remove one of the two", "change gid to 4002, or remove one of the two",
            ])
        #expect(node.participant.warningsOfNow.map(\.code) == [.contradictingAccount, .contradictingAccount])
        let right = try await node.rehearse(
            Self.workload("[{unix: {user: \(name), uid: 4001, group: \(name), gid: 4002}}]"))
        #expect(right.isEmpty)
        await node.participant.drain()
    }

    @Test func `a link as the path of an executable is told of, by the path that it leads to`() async throws {
        let node = try TestNode(accounts: Self.accounts)
        let folder = try FileWriter.realPath(node.folder)
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "state")
        node.write("web", [])
        let paths = ["/link/web", "/link", "/manifests/web", "/not/there"].map {
            "{unix: {uid: 7, path: '\(folder)\($0)'}}"
        }
        let manifest = Self.workload("[\(paths.joined(separator: ", "))]")
        // The first leads to nothing, the last is nowhere.
        let said = try await node.serve(manifest).filter { $0.code != .missingCapability }
        #expect(said.map(\.code) == [.missingExecutable, .linkedExecutable, .missingExecutable])
        #expect(said[1].remedy == "change it to \"\(folder)/state\"")
        #expect(said[2].found == "\(Diagnostic.quoted("\(folder)/not/there")), which is not there on this host")
        // As it is now.
        try FileManager.default.removeItem(atPath: "\(folder)/link")
        try FileManager.default.createDirectory(atPath: "\(folder)/not", withIntermediateDirectories: true)
        #expect(FileManager.default.createFile(atPath: "\(folder)/not/there", contents: nil))
        let now = node.participant.warningsOfNow.filter { $0.code != .missingCapability }
        #expect(now.map(\.code) == [.missingExecutable, .missingExecutable])
        #expect(now.map(\.found).allSatisfy { $0.contains("/link") })
        await node.participant.drain()
    }

    @Test func `what Heddle may not look at is told of once, with what is missing`() async throws {
        let node = try TestNode(accounts: Self.accounts)
        func told(_ selectors: String, _ missing: [LookingCapability], user: UInt32 = 0) async throws -> [Diagnostic] {
            _ = try await node.serve(Self.workload(selectors))
            let plan = try #require(node.participant.serving?.plan)
            return UnansweredSelectors.warnings(in: plan, missing: missing, user: user)
        }
        let file = "{unix: {uid: 7}}, {unix: {uid: 7, path: /bin/a}}, {unix: {uid: 7, gid: 8}}"
        let found = try await told("[\(file)]", [.trace])
        #expect(found.map(\.code) == [.missingCapability])
        #expect(found.map { [$0.position.line, $0.position.column] } == [[7, 34]])
        #expect(found.first?.found == "2 selectors by path, sha256 or group, and no CAP_SYS_PTRACE")
        #expect(
            found.first?.remedy == "start Heddle as root, or with AmbientCapabilities=CAP_SYS_PTRACE in its unit")
        let both = try await told("[\(file)]", [.trace, .search])
        #expect(both.first?.found.hasSuffix("and no CAP_SYS_PTRACE and no CAP_DAC_READ_SEARCH") == true)
        #expect(try await told("[\(file)]", []).isEmpty)
        // Its own it may look at.
        #expect(try await told("[\(file)]", [.trace], user: 7).isEmpty)
        #expect(try await told("[{unix: {uid: 7}}, {exec: {}}]", [.trace, .search]).isEmpty)
        await node.participant.drain()
    }
}
