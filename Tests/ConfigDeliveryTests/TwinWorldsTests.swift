import ConfigChecks
import ConfigMerging
import ConfigValues
import Testing

@testable import ConfigDelivery

/// No series of calls yields a byte that a single GET is refused.
struct TwinWorldsTests {
    private typealias Layers = TwinChance.Layers

    @Test(arguments: 0..<6 as Range<UInt64>)
    func `who may not read something hears the same whatever it is, and whether it is there`(seed: UInt64) async throws
    {
        var tally = TwinWorlds.Tally()
        for turn in 0..<8 {
            try await play(seed << 32 | UInt64(turn), &tally)
        }
        // Or else nothing would have been tried.
        #expect(tally.differing > 5 && tally.values > 10 && tally.absent > 2 && tally.forbidden > 10, "\(tally)")
        #expect(tally.events > 3 && tally.patches > 0 && tally.held > 0, "\(tally)")
    }

    private func play(_ seed: UInt64, _ tally: inout TwinWorlds.Tally) async throws {
        var chance = TwinChance(seed: seed)
        // Until one can be had: references in circles, and those that lead nowhere.
        var made: (TwinWorlds, Layers)?
        for _ in 0..<50 where made == nil {
            let layers = chance.layers()
            chance.makeFallbacks()
            let policies = (0...1 + chance.random(2)).map { _ in chance.policies() }
            let fields = chance.pick([[], [("x-team", "ops")], [("x-team", "dev")]])
            let worlds = try TwinWorlds("\(seed)", policies, chance.fallbacks, fields: fields, layers)
            if worlds.config(layers).value != nil { made = (worlds, layers) }
        }
        guard let (worlds, layers) = made else { return }
        worlds.tally = tally
        var now = [layers, layers]
        for source in TwinChance.sources { now[1] = twin(of: now, source, &chance, worlds)[1] }
        try await worlds.begin(now)
        for _ in 0..<12 {
            switch chance.random(7) {
            case 0, 1:
                let source = chance.pick(TwinChance.sources)
                // Both of them, or one alone in what the reader must not notice.
                var next = now
                if chance.happens() {
                    next[0] = chance.edited(now[0], source)
                    next[1][source] = next[0][source]
                    if !worlds.areTwins(next[0], next[1]) { next = now }
                    next = twin(of: next, source, &chance, worlds)
                } else {
                    next = twin(of: [now[1], now[0]], source, &chance, worlds).reversed()
                }
                now = next
                try await worlds.change(source, to: now)
            case 2: try await worlds.switchRules(by: 1 + chance.random(worlds.phaseCount))
            case 3: try await worlds.wait(&chance)
            case 4, 5: try await worlds.watch(&chance)
            default: for _ in 0..<4 { try await worlds.ask(&chance) }
            }
        }
        for _ in 0..<4 { try await worlds.ask(&chance) }
        try await worlds.end()
        tally = worlds.tally
    }

    /// With another one in the place of the second.
    private func twin(of pair: [Layers], _ source: String, _ chance: inout TwinChance, _ worlds: TwinWorlds) -> [Layers]
    {
        for _ in 0..<6 {
            var next = pair
            next[1][source] = chance.twin(of: pair[0][source], source, worlds.isHidden)
            if worlds.areTwins(next[0], next[1]) { return next }
        }
        return pair
    }
}
