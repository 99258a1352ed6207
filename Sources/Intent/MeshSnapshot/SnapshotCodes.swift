package import Diagnostics

extension Diagnostic.Code {
    /// Two resources of one kind with the same namespace and name.
    package static let duplicateResource = Self("manifest.duplicate-resource")
    /// A parentRef names a section or port that its Gateway does not have.
    package static let unknownListener = Self("manifest.unknown-listener")
    /// A route, a listener or an entry of `outbound.tcp`, and a Service or listener that speaks something else.
    package static let wrongProtocol = Self("manifest.wrong-protocol")
    /// Two routes that would take the same calls or connections, where Gateway API lets only one of them.
    package static let conflictingRoutes = Self("manifest.conflicting-routes")
    /// More than one Mesh.
    package static let severalMeshes = Self("manifest.several-meshes")
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
    /// A workload's own listener at which nobody asks which process calls.
    package static let openListener = Self("manifest.open-listener")
    /// A ConfigSource that no Config reads.
    package static let unusedConfigSource = Self("manifest.unused-config-source")
    /// Selectors of a workload that no listener asks.
    package static let unusedSelectors = Self("manifest.unused-selectors")
    /// Selectors of two workloads of a node that the same process matches.
    package static let ambiguousSelectors = Self("manifest.ambiguous-selectors")
    /// A port that is named for plain calls to a service that takes none.
    package static let plainPortClosed = Self("manifest.plain-port-closed")
    /// Plain calls are allowed for services that name no port for them.
    package static let permissiveWithoutPort = Self("manifest.permissive-without-port")
    /// Hostnames of a route whose parent is a Service: they do not count.
    package static let hostnamesIgnored = Self("manifest.hostnames-ignored")
}
