import ConfigDelivery
import Manifests
import Telemetry

/// What `/metrics` says of configs.
struct ConfigMetrics {
    private let configs: [PublishedConfig]
    private let watchers: [ResourceName: Int]
    private let now: ContinuousClock.Instant

    /// - Parameter watchers: By Config.
    init(_ configs: [PublishedConfig], watchers: [ResourceName: Int], now: ContinuousClock.Instant = .now) {
        self.configs = configs.filter(\.isRead)
        self.watchers = watchers
        self.now = now
    }

    func write(to text: inout PrometheusText) {
        guard !configs.isEmpty else { return }
        values(&text)
        sources(&text)
    }

    private func values(_ text: inout PrometheusText) {
        let ready = "heddle_config_ready"
        text.metric(ready, .gauge, help: "Whether a Config has a value.")
        for config in configs { text.sample(ready, Self.label(config.name), config.value == nil ? 0 : 1) }
        let changes = "heddle_config_changes_total"
        text.metric(changes, .counter, help: "Values that a Config came to have.")
        for config in configs { text.sample(changes, Self.label(config.name), config.changes) }
        let refused = "heddle_config_refused_total"
        text.metric(refused, .counter, help: "What a Config would have become, and was not: by the schema, or a clash.")
        for config in configs { text.sample(refused, Self.label(config.name), config.refusals) }
        let pinned = "heddle_config_pinned"
        text.metric(pinned, .gauge, help: "Whether a Config is held at a past value.")
        for config in configs { text.sample(pinned, Self.label(config.name), config.pin == nil ? 0 : 1) }
        let watching = "heddle_config_watchers"
        text.metric(watching, .gauge, help: "Calls that wait for a Config to change.")
        for config in configs { text.sample(watching, Self.label(config.name), UInt64(watchers[config.name] ?? 0)) }
    }

    private func sources(_ text: inout PrometheusText) {
        // One that several configs read is one.
        let all = Dictionary(configs.flatMap(\.sources).map { ($0.name, $0) }) { first, _ in first }
        let sources = all.values.sorted { $0.name < $1.name }
        let isThere = "heddle_config_source_up"
        text.metric(isThere, .gauge, help: "Whether a ConfigSource can be read.")
        for source in sources {
            text.sample(isThere, Self.label(source), source.since != nil && source.problems.isEmpty ? 1 : 0)
        }
        let changes = "heddle_config_source_changes_total"
        text.metric(changes, .counter, help: "Times that what a ConfigSource holds became something else.")
        for source in sources { text.sample(changes, Self.label(source), UInt64(source.changes)) }
        let age = "heddle_config_source_age_seconds"
        text.metric(age, .gauge, help: "Since a ConfigSource last said something that can be read.")
        for source in sources {
            guard let since = source.since else { continue }
            let passed = (now - since).components
            let microseconds = passed.seconds * 1_000_000 + passed.attoseconds / 1_000_000_000_000
            text.sample(age, Self.label(source), PrometheusText.seconds(UInt64(max(0, microseconds))))
        }
    }

    private static func label(_ config: ResourceName) -> [(name: String, value: String)] {
        [(name: "config", value: "\(config)")]
    }

    private static func label(_ source: SourceStatus) -> [(name: String, value: String)] {
        [(name: "source", value: "\(source.name)")]
    }
}
