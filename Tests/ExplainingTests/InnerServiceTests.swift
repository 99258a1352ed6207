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

    private func explainConfig(_ to: String, _ path: String?, from: String? = "shop/web") throws -> CallExplanation {
        var question = CallQuestion(from: from, to: to)
        question.path = path
        return try CallExplanation(question, in: MeshSnapshot(Self.manifests), inner: [.config])
    }

    @Test(arguments: [
        ("Config/app", "/values/a", true), ("config/shop/app", "/values/a", true), ("Config/app", "/values/b", false),
        ("Config/app", nil, false), ("Config/app", "/values//a/", false), ("Config/app", "/values/%61", true),
    ])
    func `what one may have of a config its rules say`(to: String, path: String?, isAllowed: Bool) throws {
        let explanation = try explainConfig(to, path)
        #expect(explanation.isServed == isAllowed, "\(explanation.text)")
        #expect(explanation.text.contains("to Config shop/app at /values"), "\(explanation.text)")
        #expect(explanation.text.contains("ALLOW shop/reads rule 0"), "\(explanation.text)")
        #expect(explanation.text.contains("each value is judged by itself"), "\(explanation.text)")
    }

    @Test func `who is of another trust domain is told nothing`() throws {
        let explanation = try explainConfig(
            "Config/shop/app", "/values/a", from: "spiffe://other.example/ns/shop/sa/web")
        #expect(!explanation.isAllowed)
        guard case .untrusted = explanation.outcome else { return #expect(Bool(false), "\(explanation.text)") }
    }

    @Test(arguments: [
        ("Config/ap", "/values/a", "did you mean"), ("Config/app", "/other", "/watch"),
        ("Config/app", "values", "begin it with /"), ("Config/other/app", nil, "no Config"),
    ])
    func `a question that a config cannot be asked says why`(to: String, path: String?, says: String) {
        let mistake = #expect(throws: CallQuestion.Mistake.self) { try explainConfig(to, path) }
        #expect(mistake?.description.contains(says) == true, "\(mistake?.description ?? "")")
    }

    @Test func `who has no identity is asked for one`() {
        #expect(throws: CallQuestion.Mistake.self) { try explainConfig("Config/shop/app", nil, from: nil) }
    }
}
