import ConfigMerging
import ConfigValues
import Diagnostics
import Manifests
import ServiceContracts
import Testing

@testable import ConfigSources

/// What the tests of Go Micro's environment source expect: docs/from-go-micro.md.
@Suite struct GoMicroEnvironmentTests {
    private static let variables = [
        "APP_DATABASE_HOST=localhost", "APP_DATABASE_PASSWORD=password", "VAULT_ADDR=vault:1337", "MICRO_REGISTRY=mdns",
    ]

    private func heard(_ variables: [String], prefix: String, isStripped: Bool) -> Heard {
        Heard(
            EnvironmentBackend(
                EnvironmentSource(prefix: prefix, isStripped: isStripped, separator: "_", types: .text),
                SourceLabel(layer: "shop/\(prefix)", isSecret: false), variables: variables.map { Array($0.utf8) }))
    }

    /// One layer a prefix, in order.
    private func merged(_ layers: [ConfigValue]) throws -> String {
        let recipe = ConfigRecipe(layers: layers.map { ConfigLayer(name: $0.origin.layer, tree: $0) })
        return String(decoding: try EvaluatedConfig(recipe).value.json(), as: UTF8.self)
    }

    @Test func `a value is the whole of what follows the first equals sign`() throws {
        let source = "user:password@tcp(localhost:port)/db?charset=utf8mb4&parseTime=True&loc=Local"
        let heard = heard(
            ["DATABASE_HOST=localhost", "DATABASE_PASSWORD=password", "DATABASE_DATASOURCE=\(source)"],
            prefix: "DATABASE_", isStripped: false)
        let tree = try #require(heard.trees.last)
        #expect(
            try merged([tree])
                == #"{"database":{"datasource":"\#(source)","host":"localhost","password":"password"}}"#)
    }

    @Test func `variables of other prefixes are left out, and prefixes stay or are stripped`() throws {
        func tree(_ prefix: String, _ isStripped: Bool) throws -> ConfigValue {
            try #require(heard(Self.variables, prefix: prefix, isStripped: isStripped).trees.last)
        }
        #expect(
            try merged([tree("APP_", false), tree("MICRO_", false)])
                == #"{"app":{"database":{"host":"localhost","password":"password"}},"micro":{"registry":"mdns"}}"#)
        #expect(
            try merged([tree("MICRO_", false), tree("APP_", true)])
                == #"{"database":{"host":"localhost","password":"password"},"micro":{"registry":"mdns"}}"#)
    }

    /// There the second one is merged into the text of the first: the source cannot be loaded, and nobody is told which they are.
    @Test func `a variable beside one below it is refused by name`() throws {
        let failure = heard(["A_BROKER=nats", "A_BROKER_ADDRESS=:1"], prefix: "A_", isStripped: true).failure
        let said = try #require(failure?.first)
        #expect(said.code == .sourceClash)
        let told = "\(said.position) \(said.found)"
        #expect(told.ranges(of: "A_BROKER").count == 2 && told.ranges(of: "A_BROKER_ADDRESS").count == 1, "\(told)")
    }

    @Test func `what the environment says stands over a file, and what it does not say stays`() throws {
        let file = try JSONReader.read(
            Array(
                #"{"amqp": {"host": "rabbit.platform", "port": 80}, "handler": {"exchange": "springCloudBus"}}"#.utf8
            ).span, of: TextOrigin(layer: "shop/file", file: "file.json"))
        let variables = try #require(
            heard(["AMQP_HOST=rabbit.testing.com"], prefix: "AMQP_", isStripped: false).trees.last)
        #expect(
            try merged([file, variables])
                == #"{"amqp":{"host":"rabbit.testing.com","port":80},"handler":{"exchange":"springCloudBus"}}"#)
    }

    @Test func `it is read once, and says nothing after that`() {
        let heard = heard(Self.variables, prefix: "GOMICRO_", isStripped: true)
        #expect(heard.all.count == 1 && heard.trees.last?.map?.isEmpty == true)
    }
}
