import ConfigFormats
import ConfigMerging
import ConfigValues
import Diagnostics
import FuzzKit
import Manifests
import MeshSnapshot
import ServiceContracts
import ServiceFixtures
import TestSupport
import Testing

@testable import ConfigDelivery

/// Whatever a reader asks for, it gets nothing that one call for that alone is refused.
struct ReaderSecrecyTests {
    /// A config, and rules of one reader, by chance. Each text that is written has a mark that nothing else has.
    private struct Chance {
        var random: SplitMix64
        private var lastMark = 0
        /// Where each mark is written.
        private(set) var homes: [String: ConfigPath] = [:]
        private(set) var paths: [ConfigPath] = []

        init(seed: UInt64) { random = SplitMix64(seed: seed) }

        mutating func tree() -> String {
            homes = [:]
            paths = []
            return map(at: .root, depth: 3)
        }

        private mutating func map(at path: ConfigPath, depth: Int) -> String {
            let keys = ["a", "b", "m", "n", "l", "0", "a/b"].filter { _ in random.next(below: 2) == 0 || depth == 3 }
            let entries = keys.map { "\"\($0)\":\(value(at: path.appending($0), depth: depth - 1))" }
            return "{\(entries.joined(separator: ","))}"
        }

        private mutating func value(at path: ConfigPath, depth: Int) -> String {
            defer { paths.append(path) }
            switch random.next(below: depth > 0 ? 10 : 6) {
            case 0 where !paths.isEmpty: return "\"${\(paths[random.next(below: paths.count)].dotted.escaped)}\""
            case 1:
                let texts = paths.filter { path in homes.values.contains(path) }
                guard !texts.isEmpty else { fallthrough }
                return "\"\(mark(at: path))${\(texts[random.next(below: texts.count)].dotted.escaped)}\""
            case 2...5: return "\"\(mark(at: path))\""
            case 6...7: return map(at: path, depth: depth)
            default:
                let items = (0..<random.next(below: 3)).map { value(at: path.appending(String($0)), depth: depth - 1) }
                return "[\(items.joined(separator: ","))]"
            }
        }

        private mutating func mark(at path: ConfigPath) -> String {
            lastMark += 1
            homes["<\(lastMark)>"] = path
            return "<\(lastMark)>"
        }

        mutating func fallbacks() -> String {
            let all = (0..<random.next(below: 3)).map { index in
                let from = paths[random.next(below: paths.count)].dotted
                return "{path: f.k\(index), from: ['\(from)']}"
            }
            return all.isEmpty ? "" : ", fallbacks: [\(all.joined(separator: ", "))]"
        }

        mutating func policies() -> [String] {
            var allowed = (0...random.next(below: 8)).map { _ in pattern() }
            if random.next(below: 4) == 0 { allowed.append("\"/values/{**}\"") }
            if random.next(below: 2) == 0 { allowed.append("\"/values/f/{**}\"") }
            var policies = [ConfigWorld.allow((allowed + ["/watch"]).joined(separator: ", "))]
            if random.next(below: 2) == 0 {
                let denied = (0...random.next(below: 3)).map { _ in pattern() }
                policies.append(
                    manifest(
                        "AuthorizationPolicy", "never",
                        "{targetRefs: [{kind: Config, name: app}], action: DENY, rules: "
                            + "[{to: [{operation: {paths: [\(denied.joined(separator: ", "))]}}]}]}"))
            }
            return policies
        }

        private mutating func pattern() -> String {
            let path = ReaderView.resourcePath(paths[random.next(below: paths.count)]).text
            return random.next(below: 3) == 0 ? "\"\(path)/{**}\"" : "\"\(path)\""
        }
    }

    /// All that one reader can get at one moment, held to what single calls are told.
    private struct Reader {
        let world: ConfigWorld
        let homes: [String: ConfigPath]

        func get(_ path: ConfigPath) async throws -> InMemoryCaller.Gathered {
            try await world.value(String(ReaderView.resourcePath(path).text.dropFirst("/values".count)))
        }

        /// - Parameter path: Of the value that it is.
        func check(_ value: ConfigValue, at path: ConfigPath) async throws {
            var leaves: [(ConfigPath, ConfigValue)] = []
            value.forEachLeaf { path in value[path].map { leaves.append((path, $0)) } }
            for (below, leaf) in leaves {
                let alone = try await get(ConfigPath(path.keys + below.keys))
                #expect(alone.status == 200 && alone.body == leaf.json())
            }
            try await check(value.json())
        }

        /// No mark without the right to read where it is written.
        func check(_ bytes: [UInt8]) async throws {
            let text = String(decoding: bytes, as: UTF8.self)
            for (mark, home) in homes where text.contains(mark) {
                let status = try await get(home).status
                #expect(status == 200, "\(mark) of \(home.dotted)")
            }
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `nothing tells what a call for it alone is refused`(seed: UInt64) async throws {
        var chance = Chance(seed: seed)
        let tree = chance.tree()
        let world = try ConfigWorld()
        let manifests = [
            ConfigWorld.source("base"), ConfigWorld.config("app", "sources: [base]\(chance.fallbacks())"),
        ]
        try world.adopt(manifests + chance.policies())
        try world.say(tree)
        await Poll.until {
            world.json() != nil || world.published()?.problems.contains { $0.code != .sourceAway } == true
        }
        // References in a circle, and those that lead nowhere.
        guard let before = world.published()?.value else { return }
        let reader = Reader(world: world, homes: chance.homes)

        var all = [ConfigPath.root]
        before.evaluated.value.forEachLeaf { path in
            for count in 1...max(1, path.keys.count) { all.append(ConfigPath(Array(path.keys.prefix(count)))) }
        }
        for path in Set(all) {
            let answer = try await reader.get(path)
            guard answer.status == 200 else {
                #expect(answer.status == 403 || answer.status == 404)
                try await reader.check(answer.body)
                continue
            }
            try await reader.check(try ConfigWorld.value(answer.text), at: path)
        }

        // A watch begins with the value, and goes on with what changes of it.
        let first = try await reader.get(.root)
        let watch = try #require(world.started("/v1/configs/shop/app/watch"))
        let event = await watch.gather { $0.body.suffix(2) == [10, 10] }
        guard first.status == 200 else {
            #expect(event.status == 403)
            return watch.relay.leave()
        }
        let shown = try data(event.body)
        #expect(shown.json() == first.body)

        var next = Chance(seed: seed ^ 0xFFFF)
        let edited = seed % 2 == 0 ? next.tree() : tree.replacing("<", with: "<9")
        let homes =
            seed % 2 == 0
            ? next.homes
            : Dictionary(uniqueKeysWithValues: chance.homes.map { ($0.key.replacing("<", with: "<9"), $0.value) })
        try world.say(edited)
        await Poll.until { world.published()?.value !== before || world.published()?.problems.isEmpty == false }
        guard world.published()?.value !== before else { return watch.relay.leave() }
        let second = try await reader.get(.root)
        if second.status == 200, second.body != first.body {
            let change = await watch.gather { $0.body.suffix(2) == [10, 10] }
            try await Reader(world: world, homes: homes).check(change.body)
            let said = try data(change.body)
            let value = JSONPatch(said).flatMap { try? $0.applied(to: shown) } ?? said
            #expect(value.json() == second.body)
        } else if second.status != 200 {
            #expect(await watch.gather().body.isEmpty)
        }
        watch.relay.leave()
    }

    private func data(_ event: [UInt8]) throws -> ConfigValue {
        let line = String(decoding: event, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("data: ") }
        return try ConfigWorld.value(String(try #require(line).dropFirst(6)))
    }
}

extension String {
    /// As it stands in a JSON text.
    fileprivate var escaped: String { replacing("\"", with: "\\\"") }
}
