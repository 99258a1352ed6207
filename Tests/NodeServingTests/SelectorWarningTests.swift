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
        // The first leads to nothing: it may be there for the process.
        let said = try await node.serve(manifest)
        #expect(said.map(\.code) == [.linkedExecutable])
        #expect(said.first?.remedy == "change it to \"\(folder)/state\"")
        // As it is now.
        try FileManager.default.removeItem(atPath: "\(folder)/link")
        #expect(node.participant.warningsOfNow.isEmpty)
        await node.participant.drain()
    }
}
