import ConfigMerging
import ConfigValues
import Diagnostics
import Glibc

/// What it costs to merge a config of several sources, and to merge it again when one value of one of them is another.
///
///     swift run -c release ConfigBenchmark
let keyCount = 10_000
let sourceCount = 5
let rounds = 31

/// Time on the processor, which other processes' work does not count towards.
func processorTime(of work: () -> Void) -> Duration {
    func now() -> Duration {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
    let start = now()
    work()
    return now() - start
}

func milliseconds(_ durations: [Duration]) -> String {
    let sorted = durations.sorted().map { Int(($0 / .microseconds(1)).rounded()) }
    func text(_ microseconds: Int) -> String {
        let hundredths = String(microseconds % 1_000 / 10)
        return "\(microseconds / 1_000).\(hundredths.utf8.count < 2 ? "0" : "")\(hundredths)"
    }
    return
        "median \(text(sorted[sorted.count / 2])) ms, fastest \(text(sorted[0])) ms, slowest \(text(sorted[sorted.count - 1])) ms"
}

func text(_ number: Int) -> String { String(String(100_000 + number).dropFirst()) }

/// How keys are spread over maps.
enum Spread: String, CaseIterable {
    /// 100 maps of 100 keys each.
    case nested
    /// One map of 10,000 keys.
    case flat
}

/// Layer by layer made anew, as a source is that was read again: nothing is shared with what was read before.
struct Sample {
    let spread: Spread
    /// Every so manyth value of the highest layer is a reference.
    let references: Int

    /// - Parameter change: Which value of it is another.
    func layer(_ index: Int, change: Int? = nil, revision: Int = 0) -> ConfigLayer {
        let name = "shop/source-\(index)"
        var line = 1
        func origin() -> ValueOrigin {
            line += 1
            return ValueOrigin(
                layer: name, position: SourcePosition(file: "/etc/shop/config/\(name).yaml", line: line, column: 5),
                isSecret: index == 3)
        }
        func value(_ key: Int) -> ConfigValue {
            if key == change { return ConfigValue(.string("changed in revision \(revision)"), origin: origin()) }
            if index == sourceCount - 1, references > 0, key % references == 0, key > 0 {
                return ConfigValue(.string("at ${\(path(key - 1))} and further"), origin: origin())
            }
            return key % 3 == 0
                ? ConfigValue(.number(.integer(Int64(key))), origin: origin())
                : ConfigValue(.string("value \(key) of layer \(index)"), origin: origin())
        }
        func entry(_ key: String, _ value: ConfigValue) -> ConfigMap.Entry {
            ConfigMap.Entry(key, value, keyPosition: value.origin.position)
        }
        let entries: [ConfigMap.Entry]
        switch spread {
        case .flat: entries = (0..<keyCount).map { entry("setting-\(text($0))", value($0)) }
        case .nested:
            entries = (0..<100).map { section in
                let keys = (0..<100).map { entry("setting-\(text($0))", value(section * 100 + $0)) }
                return entry("section-\(text(section))", ConfigValue(.map(ConfigMap(inOrder: keys)), origin: origin()))
            }
        }
        return ConfigLayer(name: name, tree: ConfigValue(.map(ConfigMap(inOrder: entries)), origin: origin()))
    }

    private func path(_ key: Int) -> String {
        switch spread {
        case .flat: "setting-\(text(key))"
        case .nested: "section-\(text(key / 100)).setting-\(text(key % 100))"
        }
    }

    var recipe: ConfigRecipe {
        var fallbacks: [ConfigFallback] = []
        for index in 0..<20 {
            guard let from = try? ConfigPath(dotted: path(index)) else { continue }
            fallbacks.append(
                ConfigFallback(
                    path: ConfigPath(["fallback-\(text(index))"]), from: [from],
                    position: SourcePosition(file: "config.yaml", line: index, column: 1)))
        }
        return ConfigRecipe(layers: (0..<sourceCount).map { layer($0) }, fallbacks: fallbacks)
    }
}

for spread in Spread.allCases {
    for references in [0, 10] {
        let sample = Sample(spread: spread, references: references)
        var recipe = sample.recipe
        var whole: [Duration] = []
        var again: [Duration] = []
        guard var config = try? EvaluatedConfig(recipe) else { preconditionFailure("the sample is refused") }
        for round in 0..<rounds {
            whole.append(processorTime { if let value = try? EvaluatedConfig(recipe) { config = value } })
            let layer = round % sourceCount
            recipe.layers[layer] = sample.layer(layer, change: 5_001 + round, revision: round)
            var changed = config
            again.append(
                processorTime { if let value = try? EvaluatedConfig(recipe, after: config) { changed = value } })
            guard let expected = try? EvaluatedConfig(recipe) else { preconditionFailure("the sample is refused") }
            precondition(changed.value == expected.value)
            config = changed
            recipe.layers[layer] = sample.layer(layer)
            guard let restored = try? EvaluatedConfig(recipe, after: config) else { preconditionFailure("refused") }
            config = restored
        }
        let what = references > 0 ? ", a reference in every \(references)th key" : ""
        print("\(keyCount) keys of \(sourceCount) sources, \(spread.rawValue)\(what)")
        print("  whole            \(milliseconds(whole))")
        print("  one key changed  \(milliseconds(again))")
    }
}
