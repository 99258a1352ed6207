/// Names that are Heddle's own, and no manifest's.
package enum ReservedNames {
    /// Where the services inside stand.
    package static let namespace = "mesh"

    /// What Heddle answers itself, by the names of its Services: `config.mesh` and so on.
    package static let services = ["config", "registry", "store", "events", "locks"]

    /// Whether a host in canonical form names a service inside, with the mesh's own ending or without.
    package static func has(host: String) -> Bool {
        services.contains { host == "\($0).\(namespace)" || host == "\($0).\(namespace).mesh" }
    }
}
