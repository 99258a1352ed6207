import Diagnostics
import Foundation
import Manifests
import MeshSnapshot
import Reconciliation
import Testing

@testable import ConfigDelivery

/// Schemas in files, and the files that they lead to.
struct SchemaLoadingTests {
    /// Files that lead from one to the next, so many of them.
    private func problems(_ count: Int) throws -> [Diagnostic] {
        let folder = NSTemporaryDirectory() + "heddle-schemas-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for index in 0..<count {
            let next = index + 1 < count ? "\"$ref\": \"\(index + 1).json\"" : ""
            try "{\(next)}".write(toFile: "\(folder)/\(index).json", atomically: true, encoding: .utf8)
        }
        let snapshot = try ConfigWorld.snapshot([
            ConfigWorld.source("base"), ConfigWorld.config("app", "sources: [base], schemaFile: 0.json"),
        ])
        return SchemaLoading(FileBoundary(ofFolder: folder)).load(Array(snapshot.resources[Config.self])).problems
    }

    @Test func `a schema that leads to one file too many is a mistake, at the reference to it`() throws {
        #expect(try problems(SchemaLoading.fileLimit + 1).isEmpty)
        let problem = try #require(try problems(SchemaLoading.fileLimit + 2).first)
        #expect(problem.code == .schemaFile && problem.severity == .error)
        #expect(problem.position.description.hasSuffix("/\(SchemaLoading.fileLimit).json:1:10"), "\(problem)")
        #expect(problem.found.contains("after \(SchemaLoading.fileLimit)"))
    }
}
