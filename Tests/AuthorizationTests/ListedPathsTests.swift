import Diagnostics
import FuzzKit
import Manifests
import Testing

@testable import Authorization

@Suite struct ListedPathsTests {
    private static let words = ["a", "b", "ab", "*"]

    private static func randomSegments(_ random: inout SplitMix64) -> [PathPattern.Segment] {
        (0..<Int.random(in: 1...4, using: &random)).map { _ in
            let word = words[Int.random(in: 0..<words.count, using: &random)]
            return word == "*" ? .any : .literal(word)
        }
    }

    private static func randomPattern(_ random: inout SplitMix64) -> PathPattern {
        let segments = randomSegments(&random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0: return .string(.present)
        case 1..<4: return .string(.exact(segments.text))
        case 4..<8:
            return .string(.prefix(String(segments.text.dropLast(Int.random(in: 0...1, using: &random)))))
        case 8: return .string(.suffix(segments.text))
        default: return .template(segments, matchesRest: Bool.random(using: &random))
        }
    }

    /// One pattern after the other.
    private static func takes(_ pattern: PathPattern, _ base: [PathPattern.Segment]) -> Bool {
        switch pattern {
        case .string(.present): return true
        case .string(.suffix): return false
        case .string(.exact(let text)): return text == base.text
        case .string(.prefix(let prefix)):
            let names = base.prefix { $0 != .any }
            return (names.text + (names.count == base.count ? "" : "/")).hasPrefix(prefix)
        case .template(let own, let matchesRest):
            guard matchesRest ? own.count < base.count : own.count == base.count else { return false }
            return zip(own, base).allSatisfy { $0 == .any || $0 == $1 }
        }
    }

    @Test func `listed paths take what one of them takes`() {
        var random = SplitMix64(seed: 0x4EDD_1E01)
        var taken = 0
        for _ in 0..<4_000 {
            let patterns = (0..<Int.random(in: 0...5, using: &random)).map { _ in Self.randomPattern(&random) }
            let base = Self.randomSegments(&random)
            let expected = patterns.contains { Self.takes($0, base) }
            #expect(ListedPaths(patterns).takes(base) == expected, "\(base.text) of \(patterns)")
            taken += expected ? 1 : 0
        }
        // Samples that all end alike would prove little.
        #expect(taken > 400 && taken < 3_600)
    }

    /// Every way to write `count` segments as `{*}` or `a`, and `/x` after them.
    private func readings(_ count: Int) -> [String] {
        (0..<1 << count).map { number in
            (0..<count).map { number >> $0 & 1 == 0 ? "/{*}" : "/a" }.joined() + "/x"
        }
    }

    private func lint(_ patterns: [String]) -> [Diagnostic] {
        let web = source { $0.serviceAccounts = accounts(["shop/web"]) }
        return PolicyLint.check(
            policies: [policy(.allow, rule(from: [web], to: [operation { $0.paths = paths(patterns) }]))],
            services: [ResourceName(namespace: "shop", name: "orders")], defaultAction: .deny)
    }

    @Test func `a path that too many beginnings of templates fit is not looked at`() {
        let few = String(repeating: "/a", count: 6) + "/y/{**}"
        #expect(1 << 6 == ListedPaths.maximumReadings)
        #expect(lint(readings(6) + [few]).map(\.code) == [.allowBelowOnly])
        let many = String(repeating: "/a", count: 7) + "/y/{**}"
        #expect(lint(readings(7) + [many]).isEmpty)
        // Others of the same rule are.
        #expect(lint(readings(7) + [many, "/b/{**}"]).map(\.remedy) == lint(["/b/{**}"]).map(\.remedy))
    }
}
