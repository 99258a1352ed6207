import Diagnostics

extension Diagnostic.Code {
    /// Two resources of one kind with the same namespace and name.
    package static let duplicateResource = Self("manifest.duplicate-resource")
    /// A workload, a parentRef or a policy names a Service that is not there.
    package static let unknownService = Self("manifest.unknown-service")
    /// A backendRef or a mirror names a Service that is not there.
    package static let unknownBackend = Self("manifest.unknown-backend")
    /// A parentRef names a Gateway that is not there.
    package static let unknownGateway = Self("manifest.unknown-gateway")
    /// A parentRef names a section or port that its Gateway does not have.
    package static let unknownListener = Self("manifest.unknown-listener")
    /// A workload, a gateway or `--node` names a Node that is not there.
    package static let unknownNode = Self("manifest.unknown-node")
    /// A route, a listener or an entry of `outbound.tcp`, and a Service or listener that speaks something else.
    package static let wrongProtocol = Self("manifest.wrong-protocol")
    /// Two routes that would take the same calls or connections, where Gateway API lets only one of them.
    package static let conflictingRoutes = Self("manifest.conflicting-routes")
    /// More than one Mesh.
    package static let severalMeshes = Self("manifest.several-meshes")
    /// A built-in authority, which is one host's own, in a mesh of several nodes.
    package static let authorityNotShared = Self("manifest.authority-not-shared")
    /// A mesh with nodes where a workload, or the command line, does not say which one.
    package static let nodeRequired = Self("manifest.node-required")
    /// Two services that answer to the same hostname.
    package static let hostnameTaken = Self("manifest.hostname-taken")
    /// Two listeners that would take the same calls, or the same port in two ways.
    package static let overlappingListeners = Self("manifest.overlapping-listeners")
    /// An endpoint of a Service that is a listener of the mesh which leads to it again.
    package static let endpointLoop = Self("manifest.endpoint-loop")
    /// More resources than a mesh may have.
    package static let tooManyResources = Self("manifest.too-many-resources")
    /// A service that calls come to and nothing implements: they are answered with 503.
    package static let serviceWithoutEndpoint = Self("manifest.service-without-endpoint")
    /// A route none of whose hostnames a listener of its parent has: it never matches there.
    package static let routeWithoutHost = Self("manifest.route-without-host")
    /// A Gateway's listener that no route has as a parent: what comes to it goes nowhere.
    package static let listenerWithoutRoute = Self("manifest.listener-without-route")
    /// A rule that has no backend, or none with a weight: what it takes goes nowhere.
    package static let ruleWithoutBackend = Self("manifest.rule-without-backend")
    /// Hostnames of a route whose parent is a Service: they do not count.
    package static let hostnamesIgnored = Self("manifest.hostnames-ignored")
}
