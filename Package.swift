// swift-tools-version: 6.2
import PackageDescription

// From the vocabulary to the programs: each target depends only on targets above it.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // Debug builds, and so all tests, check every access; a release trusts them (docs/decisions).
    .unsafeFlags(["-enforce-exclusivity=unchecked", "-cross-module-optimization"], .when(configuration: .release)),
]

/// A release runs on hosts without Swift, and has in memory only what it uses of Swift's libraries.
let oneBinary: [LinkerSetting] = [
    .unsafeFlags(
        ["-static-stdlib", "-l_FoundationCShims", "-l_FoundationCollections"], .when(configuration: .release))
]

/// A target of the house: `folder` is the room below `Sources/` it stands in.
func room(_ name: String, in folder: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(folder)/\(name)", swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies, path: "Tests/\(name)Tests",
        swiftSettings: settings)
}

/// A fuzzer: one executable of its own below `Fuzzing/`, built without special flags. Its corpus and its findings are
/// replayed by the tests of what it fuzzes.
func fuzzer(_ name: String, at folder: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: ["FuzzKit"] + dependencies, path: "Fuzzing/\(folder)", swiftSettings: settings)
}

func benchmark(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Benchmarks/\(name)",
        swiftSettings: settings)
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let package = Package(
    name: "heddle",
    products: [.executable(name: "heddle", targets: ["heddle"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // SystemLibraries: the only doors to C.
        .systemLibrary(
            name: "CLibYAML", path: "Sources/SystemLibraries/CLibYAML", pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(
            name: "COpenSSL", path: "Sources/SystemLibraries/COpenSSL", pkgConfig: "libssl libcrypto",
            providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CLinux", path: "Sources/SystemLibraries/CLinux"),
        .target(name: "CArguments", path: "Sources/SystemLibraries/CArguments"),
        .target(name: "CCurl", path: "Sources/SystemLibraries/CCurl"),

        // Vocabulary: what everything else speaks.
        room("CommonValues", in: "Vocabulary"),
        room("Diagnostics", in: "Vocabulary"),
        room("SPIFFE", in: "Vocabulary"),
        room("ConfigValues", in: "Vocabulary", ["Diagnostics"]),
        room("RegularExpressions", in: "Vocabulary"),
        room("HTTPSemantics", in: "Vocabulary"),
        room("CallOutcomes", in: "Vocabulary", ["HTTPSemantics"]),
        room("Telemetry", in: "Vocabulary", ["CallOutcomes"]),
        room("WireProtocols", in: "Vocabulary", ["HTTPSemantics", "CallOutcomes"]),

        // Platform: what the kernel and the host's libraries do, behind values and owners.
        room("SystemInterfaces", in: "Platform", ["CLinux"]),
        room("Cryptography", in: "Platform", ["COpenSSL", "CommonValues", "SPIFFE"]),
        room("HTTPTransfers", in: "Platform", ["CCurl", "SystemInterfaces"]),
        room("EtcdClient", in: "Platform", ["Diagnostics", "ConfigValues", "Cryptography", "HTTPTransfers"]),

        // Intent: from bytes to one checked snapshot.
        room("YAMLSyntax", in: "Intent", ["CLibYAML", "Diagnostics"]),
        room("ConfigFormats", in: "Intent", ["Diagnostics", "ConfigValues", "YAMLSyntax"]),
        room(
            "Manifests", in: "Intent",
            [
                "CommonValues", "Diagnostics", "SPIFFE", "ConfigValues", "RegularExpressions", "HTTPSemantics",
                "YAMLSyntax", "ConfigFormats",
            ]),
        room("MeshSnapshot", in: "Intent", ["CommonValues", "Diagnostics", "Manifests"]),

        // Decisions: pure values that say what happens to a call.
        room(
            "Routing", in: "Decisions",
            ["Diagnostics", "RegularExpressions", "HTTPSemantics", "Manifests", "MeshSnapshot"]),
        room("JSONSchemas", in: "Decisions", ["Diagnostics", "ConfigValues", "RegularExpressions"]),
        room(
            "Authorization", in: "Decisions",
            ["CommonValues", "Diagnostics", "SPIFFE", "HTTPSemantics", "Manifests", "MeshSnapshot"]),
        room("Attestation", in: "Decisions", ["Diagnostics", "Manifests"]),
        room("ConfigMerging", in: "Decisions", ["Diagnostics", "ConfigValues"]),
        room(
            "CallPlanning", in: "Decisions",
            [
                "CommonValues", "Diagnostics", "SPIFFE", "HTTPSemantics", "CallOutcomes", "Telemetry", "Manifests",
                "MeshSnapshot", "Routing", "Authorization", "Attestation",
            ]),
        room(
            "Explaining", in: "Decisions",
            [
                "CommonValues", "Diagnostics", "SPIFFE", "HTTPSemantics", "CallOutcomes", "Telemetry", "WireProtocols",
                "Manifests", "MeshSnapshot", "Routing", "Authorization", "CallPlanning",
            ]),

        // Change: from a folder that changes to a generation that serves.
        room(
            "Reconciliation", in: "Change",
            ["CLinux", "CommonValues", "Diagnostics", "SystemInterfaces", "Manifests"]),
        room("StateKeeping", in: "Change", ["Diagnostics", "SystemInterfaces", "Reconciliation", logging]),
        room(
            "EtcdManifests", in: "Change",
            [
                "CommonValues", "Diagnostics", "SystemInterfaces", "Cryptography", "HTTPTransfers", "EtcdClient",
                "Reconciliation",
            ]),

        // Services: what Heddle answers for itself.
        room(
            "ServiceContracts", in: "Services",
            [
                "CommonValues", "Diagnostics", "SPIFFE", "ConfigValues", "SystemInterfaces", "HTTPSemantics",
                "CallOutcomes", "Telemetry", "Manifests",
                "MeshSnapshot", "Authorization",
            ]),
        room(
            "ConfigSources", in: "Services",
            [
                "Diagnostics", "ConfigValues", "SystemInterfaces", "HTTPTransfers", "EtcdClient", "YAMLSyntax",
                "ConfigFormats",
                "Manifests", "Reconciliation", "ServiceContracts",
            ]),
        room(
            "ConfigHistory", in: "Services",
            [
                "CommonValues", "Diagnostics", "ConfigValues", "SystemInterfaces", "Cryptography", "Manifests",
                "ConfigMerging", "Reconciliation",
            ]),
        room(
            "ConfigDelivery", in: "Services",
            [
                "CommonValues", "Diagnostics", "SPIFFE", "ConfigValues", "HTTPSemantics", "CallOutcomes",
                "Telemetry",
                "SystemInterfaces", "Cryptography", "ConfigFormats", "Manifests", "MeshSnapshot", "Authorization",
                "Reconciliation",
                "ConfigMerging", "JSONSchemas", "ServiceContracts", "ConfigSources", "ConfigHistory",
            ]),

        // DataPlane: what touches sockets, and proves who is there.
        room("EventLoops", in: "DataPlane", ["CLinux", "CommonValues", "SystemInterfaces"]),
        room(
            "LocalAttestation", in: "DataPlane",
            ["CLinux", "CommonValues", "SystemInterfaces", "Cryptography", "Manifests", "Attestation", "EventLoops"]),
        room(
            "BlockingCalls", in: "DataPlane",
            ["Diagnostics", "SystemInterfaces", "HTTPSemantics", "WireProtocols", "EventLoops"]),
        room("HostGuard", in: "DataPlane", ["CommonValues", "SystemInterfaces", "EventLoops"]),
        room(
            "TransportSecurity", in: "DataPlane",
            ["COpenSSL", "CLinux", "CommonValues", "SPIFFE", "SystemInterfaces", "Cryptography"]),
        room(
            "WorkloadIdentity", in: "DataPlane",
            ["CommonValues", "SPIFFE", "SystemInterfaces", "Cryptography", "TransportSecurity", logging]),
        room(
            "Forwarding", in: "DataPlane",
            [
                "CommonValues", "Diagnostics", "SPIFFE", "SystemInterfaces", "HTTPSemantics", "CallOutcomes",
                "Telemetry", "WireProtocols", "Cryptography", "Manifests", "MeshSnapshot", "Routing", "Authorization",
                "Attestation", "CallPlanning", "ServiceContracts", "EventLoops", "LocalAttestation",
                "TransportSecurity",
            ]),

        room(
            "NodeServing", in: "DataPlane",
            [
                "CommonValues", "Diagnostics", "SPIFFE", "SystemInterfaces", "Cryptography", "Manifests",
                "MeshSnapshot", "Attestation", "CallPlanning", "Reconciliation", "ServiceContracts", "EventLoops",
                "LocalAttestation", "HostGuard", "TransportSecurity", "WorkloadIdentity", "Forwarding", logging,
            ]),

        // Operations: what people and programs ask a running mesh.
        room(
            "AdminAPI", in: "Operations",
            [
                "CommonValues", "Diagnostics", "SPIFFE", "ConfigValues", "SystemInterfaces", "HTTPSemantics",
                "WireProtocols", "ConfigFormats", "Manifests", "MeshSnapshot", "ConfigMerging", "Explaining",
                "Reconciliation", "EventLoops", "LocalAttestation",
            ]),

        room(
            "FirstMesh", in: "Operations", ["CommonValues", "Diagnostics", "LocalAttestation"]),
        room(
            "ProgramKeeping", in: "Operations",
            [
                "CLinux", "Diagnostics", "ConfigValues", "HTTPSemantics", "SystemInterfaces", "EventLoops",
                "LocalAttestation",
                "BlockingCalls",
            ]),

        .executableTarget(
            name: "heddle",
            dependencies: [
                "CLinux", "CArguments", "CommonValues", "Diagnostics", "SPIFFE", "ConfigValues", "HTTPSemantics",
                "SystemInterfaces",
                "Telemetry",
                "Cryptography", "Manifests", "MeshSnapshot", "Authorization", "Attestation", "CallPlanning",
                "Explaining",
                "StateKeeping", "Reconciliation", "EtcdManifests", "HTTPTransfers", "EtcdClient", "ServiceContracts",
                "ConfigMerging", "ConfigSources", "ConfigHistory", "ConfigDelivery", "EventLoops", "LocalAttestation",
                "BlockingCalls",
                "HostGuard",
                "TransportSecurity",
                "WorkloadIdentity", "Forwarding", "NodeServing",
                "AdminAPI", "FirstMesh", "ProgramKeeping", logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/Programs/heddle", swiftSettings: settings, linkerSettings: oneBinary),

        // What scripts/run and the examples call through the mesh: a workload that needs nothing but this package.
        .executableTarget(
            name: "example-service", dependencies: ["HTTPSemantics", "WireProtocols"],
            path: "Sources/Programs/example-service", swiftSettings: settings),

        // Benchmarks: what hot code costs in time and allocations, to be run in release.
        .target(name: "AllocationCounter", path: "Benchmarks/AllocationCounter"),
        benchmark(
            "DecisionBenchmark",
            [
                "AllocationCounter", "CommonValues", "Diagnostics", "SPIFFE", "HTTPSemantics", "Manifests",
                "Authorization",
            ]),
        benchmark("SchemaBenchmark", ["Diagnostics", "ConfigValues", "JSONSchemas"]),
        benchmark("ConfigBenchmark", ["Diagnostics", "ConfigValues", "ConfigMerging"]),
        benchmark("HandshakeBenchmark", ["CLinux", "CommonValues", "SPIFFE", "Cryptography", "TransportSecurity"]),
        benchmark("HeadBenchmark", ["AllocationCounter", "HTTPSemantics", "WireProtocols"]),
        benchmark("SessionBenchmark", ["AllocationCounter", "HTTPSemantics", "WireProtocols"]),

        // Fuzzing: inputs that nobody would write.
        .target(name: "FuzzKit", path: "Fuzzing/FuzzKit", swiftSettings: settings),
        .target(
            name: "WireChecks", dependencies: ["HTTPSemantics", "WireProtocols"], path: "Fuzzing/WireChecks",
            swiftSettings: settings),
        .target(
            name: "TextChecks", dependencies: ["Diagnostics", "ConfigValues", "ConfigFormats"],
            path: "Fuzzing/TextChecks",
            swiftSettings: settings),
        .target(
            name: "SchemaChecks", dependencies: ["Diagnostics", "ConfigValues", "JSONSchemas"],
            path: "Fuzzing/SchemaChecks", swiftSettings: settings),
        .target(
            name: "ConfigChecks", dependencies: ["Diagnostics", "ConfigValues", "ConfigMerging"],
            path: "Fuzzing/ConfigChecks", swiftSettings: settings),
        fuzzer("fuzz-yaml", at: "YAML", ["Diagnostics", "Manifests"]),
        fuzzer("fuzz-json", at: "JSON", ["TextChecks", "Diagnostics", "ConfigValues"]),
        fuzzer("fuzz-toml", at: "TOML", ["TextChecks", "ConfigFormats"]),
        fuzzer("fuzz-dotenv", at: "Dotenv", ["TextChecks", "ConfigFormats"]),
        fuzzer("fuzz-http1", at: "HTTP1", ["WireChecks"]),
        fuzzer("fuzz-http2", at: "HTTP2", ["WireChecks"]),
        fuzzer("fuzz-translation", at: "Translation", ["WireChecks"]),
        fuzzer("fuzz-schema", at: "Schema", ["SchemaChecks"]),
        fuzzer("fuzz-canonical-request", at: "CanonicalRequest", ["WireChecks"]),
        fuzzer("fuzz-config", at: "Config", ["ConfigChecks"]),

        // Tests: what several of them need, then one target a target of the house.
        .target(
            name: "TestSupport", dependencies: ["CLinux", "Cryptography"], path: "Tests/TestSupport",
            swiftSettings: settings),
        .target(
            name: "MeshFixtures", dependencies: ["TestSupport", "Diagnostics", "Manifests", "MeshSnapshot"],
            path: "Tests/MeshFixtures",
            swiftSettings: settings),
        .target(
            name: "ServiceFixtures",
            dependencies: [
                "TestSupport", "SPIFFE", "HTTPSemantics", "CallOutcomes", "Manifests", "Authorization",
                "ServiceContracts",
            ],
            path: "Tests/ServiceFixtures", swiftSettings: settings),
        .target(name: "HPACKCoding", path: "Tests/HPACKCoding", swiftSettings: settings),
        .target(
            name: "ConfigFixtures", dependencies: ["FuzzKit", "Diagnostics", "ConfigValues"],
            path: "Tests/ConfigFixtures",
            swiftSettings: settings),
        tests("CommonValues"),
        tests("Diagnostics", ["YAMLSyntax", "Manifests"]),
        tests("SPIFFE"),
        tests("ConfigValues", ["Diagnostics", "ConfigFixtures"]),
        tests("SystemInterfaces", ["TestSupport"]),
        tests("HTTPTransfers", ["TestSupport"]),
        tests("EtcdClient", ["HTTPTransfers", "TestSupport"]),
        tests("RegularExpressions", ["FuzzKit"]),
        tests("HTTPSemantics", ["FuzzKit", "WireChecks"]),
        tests("CallOutcomes", ["HTTPSemantics"]),
        tests("Telemetry", ["CallOutcomes"]),
        tests("Cryptography", ["TestSupport", "CommonValues", "SPIFFE"]),
        tests("YAMLSyntax", ["Diagnostics"]),
        tests("ConfigFormats", ["Diagnostics", "ConfigValues", "ConfigFixtures", "FuzzKit", "TextChecks"]),
        tests(
            "Manifests",
            [
                "CommonValues", "Diagnostics", "SPIFFE", "ConfigValues", "HTTPSemantics", "ConfigFormats",
                "TestSupport",
                "FuzzKit",
            ]),
        tests("MeshSnapshot", ["Diagnostics", "SPIFFE", "Manifests", "TestSupport", "FuzzKit"]),
        tests(
            "Routing",
            ["RegularExpressions", "MeshFixtures", "Manifests", "MeshSnapshot", "HTTPSemantics", "FuzzKit"]),
        tests(
            "Authorization",
            [
                "CommonValues", "Diagnostics", "SPIFFE", "HTTPSemantics", "Manifests", "MeshSnapshot", "TestSupport",
                "MeshFixtures", "FuzzKit",
            ]),
        tests("JSONSchemas", ["Diagnostics", "ConfigValues", "SchemaChecks", "FuzzKit", "ConfigFixtures"]),
        tests("Attestation", ["Diagnostics", "Manifests"]),
        tests("ConfigMerging", ["Diagnostics", "ConfigValues", "YAMLSyntax", "FuzzKit", "ConfigChecks"]),
        tests(
            "CallPlanning",
            [
                "CommonValues", "SPIFFE", "HTTPSemantics", "Telemetry", "Manifests", "MeshSnapshot", "Routing",
                "Authorization", "Attestation", "MeshFixtures",
            ]),
        tests(
            "Explaining",
            [
                "CommonValues", "Diagnostics", "Manifests", "MeshSnapshot", "Routing", "Authorization", "CallPlanning",
                "TestSupport", "MeshFixtures",
            ]),
        tests(
            "ServiceContracts",
            [
                "CommonValues", "SPIFFE", "HTTPSemantics", "CallOutcomes", "Telemetry", "Manifests", "MeshSnapshot",
                "Authorization", "TestSupport", "MeshFixtures", "ServiceFixtures",
            ]),
        tests("Reconciliation", ["CLinux", "Diagnostics", "SPIFFE", "SystemInterfaces", "Manifests", "TestSupport"]),
        tests(
            "EtcdManifests",
            [
                "Diagnostics", "SystemInterfaces", "Cryptography", "HTTPTransfers", "EtcdClient", "Reconciliation",
                "TestSupport",
            ]),
        tests("StateKeeping", ["Diagnostics", "SystemInterfaces", "Reconciliation", logging]),
        tests(
            "ConfigSources",
            [
                "Diagnostics", "ConfigValues", "ConfigFormats", "ConfigMerging", "Manifests", "ServiceContracts",
                "HTTPTransfers", "EtcdClient", "TestSupport", "FuzzKit",
            ]),
        tests(
            "ConfigHistory",
            [
                "CommonValues", "Diagnostics", "ConfigValues", "ConfigMerging", "ConfigFormats", "SystemInterfaces",
                "Manifests", "Reconciliation", "TestSupport",
            ]),
        tests(
            "ConfigDelivery",
            [
                "Diagnostics", "ConfigValues", "ConfigMerging", "ConfigFormats", "JSONSchemas", "HTTPSemantics",
                "CallOutcomes", "Telemetry", "SystemInterfaces", "Manifests", "MeshSnapshot", "Reconciliation",
                "ServiceContracts", "ConfigHistory", "TestSupport", "MeshFixtures", "ServiceFixtures", "FuzzKit",
                "ConfigChecks",
            ]),
        tests("EventLoops", ["CommonValues", "TestSupport"]),
        tests(
            "LocalAttestation",
            [
                "CommonValues", "Diagnostics", "SystemInterfaces", "Cryptography", "Manifests", "Attestation",
                "EventLoops", "TestSupport",
            ]),
        tests("HostGuard", ["CommonValues", "SystemInterfaces", "EventLoops"]),
        tests("TransportSecurity", ["TestSupport", "CLinux", "COpenSSL", "CommonValues", "SPIFFE", "Cryptography"]),
        tests(
            "WorkloadIdentity",
            ["CommonValues", "SPIFFE", "SystemInterfaces", "Cryptography", "TransportSecurity", logging]),
        tests("WireProtocols", ["HPACKCoding", "HTTPSemantics", "FuzzKit", "WireChecks"]),
        tests(
            "Forwarding",
            [
                "CommonValues", "Diagnostics", "SPIFFE", "HTTPSemantics", "CallOutcomes", "Telemetry", "WireProtocols",
                "SystemInterfaces", "Cryptography", "Manifests", "MeshSnapshot", "Routing", "Authorization",
                "Attestation", "CallPlanning", "Explaining", "ServiceContracts", "EventLoops", "LocalAttestation",
                "TransportSecurity", "TestSupport", "MeshFixtures", "ServiceFixtures", "HPACKCoding", "FuzzKit",
            ]),
        tests(
            "NodeServing",
            [
                "CommonValues", "Diagnostics", "SPIFFE", "SystemInterfaces", "Cryptography", "Manifests",
                "MeshSnapshot", "Reconciliation", "EventLoops", "WorkloadIdentity", "Forwarding", "TestSupport",
                "MeshFixtures", logging,
            ]),
        tests(
            "AdminAPI",
            [
                "CommonValues", "Diagnostics", "SPIFFE", "ConfigValues", "SystemInterfaces", "ConfigFormats",
                "YAMLSyntax", "Manifests", "MeshSnapshot", "Authorization", "ConfigMerging", "Explaining",
                "Reconciliation", "EventLoops", "TestSupport", "MeshFixtures",
            ]),
        tests(
            "FirstMesh",
            ["CommonValues", "Diagnostics", "Manifests", "MeshSnapshot", "Authorization", "LocalAttestation"]),
        tests("ProgramKeeping", ["ConfigValues", "BlockingCalls", "TestSupport"]),
        .testTarget(
            name: "HTTP2ConformanceTests",
            dependencies: [
                "TestSupport", "MeshFixtures", "HPACKCoding", "EventLoops", "Forwarding", "Manifests", "MeshSnapshot",
                "Diagnostics",
            ],
            path: "Tests/HTTP2ConformanceTests", swiftSettings: settings),
        .testTarget(
            name: "ScenarioTests", dependencies: ["TestSupport", "FuzzKit"], path: "Tests/ScenarioTests",
            swiftSettings: settings),
    ]
)
