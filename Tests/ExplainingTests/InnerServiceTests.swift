import Authorization
import CallPlanning
import CommonValues
import Diagnostics
import Manifests
import MeshFixtures
import MeshSnapshot
import TestSupport
import Testing

@testable import Explaining

/// What `explain` says of what Heddle answers for itself.
struct InnerServiceTests {
    private static let manifests = """
        \(manifest("Workload", "web-1", "{serviceAccount: web, outbound: {listen: \"127.0.0.1:1\"}}"))
        ---
        \(manifest("ConfigSource", "base", "{type: Inline, data: {a: 1}}"))
        ---
        \(manifest("Config", "app", "{sources: [base]}"))
        ---
        \(manifest(
            "AuthorizationPolicy", "reads",
            "{targetRefs: [{kind: Config, name: app}], action: ALLOW, rules: [{to: [{operation: {paths: [/values/a]}}]}]}"))
        """

    private func explain(_ to: String, inner: [InnerService] = [.config]) throws -> CallExplanation {
        var question = CallQuestion(from: "shop/web", to: to)
        question.path = "/v1/configs/shop/app/values/a"
        return try CallExplanation(question, in: MeshSnapshot(Self.manifests), inner: inner)
    }

    @Test(arguments: ["config.mesh", "mesh/config"])
    func `its door is open by a rule that has a name, and the answer says where to look further`(to: String) throws {
        let explanation = try explain(to)
        #expect(explanation.isAllowed && explanation.isServed)
        #expect(explanation.text.contains("ALLOW mesh/config rule 0"), "\(explanation.text)")
        #expect(explanation.text.contains("policies that name the resource"), "\(explanation.text)")
        #expect(!explanation.text.contains("no endpoint"))
    }

    @Test func `where nothing answers for it there is none`() {
        #expect(throws: CallQuestion.Mistake.self) { try explain("config.mesh", inner: []) }
    }

    @Test(arguments: [("/values/a", true), ("/values/b", false)])
    func `a refusal of the past is explained by the rules of its resource`(path: String, isAllowed: Bool) throws {
        let resource = ResourceIdentity(.config, ResourceName(namespace: "shop", name: "app"))
        let report = DecisionReport(
            id: "abc", generation: 7, at: UnixTime(seconds: 0), caller: "spiffe://mesh.local/ns/shop/sa/web",
            service: InnerService.config.name, method: "GET", host: "config.mesh",
            path: "/v1/configs/shop/app\(path)", fields: [], isAllowed: false, rule: nil,
            place: ResourcePlace(resource, path: path))
        let snapshot = try MeshSnapshot(Self.manifests)
        let now = try #require(CallExplanation(report, in: snapshot))
        #expect(now.isAllowed == isAllowed)
        let view = DecisionView(report, now: now, generation: 8)
        #expect(view.text.contains("asked for  Config shop/app at \(path)"), "\(view.text)")
        #expect(view.text.contains("to Config shop/app at \(path):"), "\(view.text)")
        #expect(view.text.contains("ALLOW shop/reads rule 0"), "\(view.text)")
        #expect(!view.text.contains("gone") && !view.text.contains("endpoint"), "\(view.text)")
        #expect(view.json.rendered().contains("\"resourcePath\":\"\(path)\""))
    }
}
