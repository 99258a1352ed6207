import Logging

/// What `heddle run` was told, with every default filled in.
struct RunOptions: Sendable {
    var manifests: ManifestsPlace
    /// The Node this host is; `nil` in a mesh of one host.
    var node: String?
    /// Absolute. Keys, issued serials, generations.
    var stateFolder: String
    /// The Unix socket of the admin API.
    var adminSocketPath: String
    var logLevel: Logger.Level
}
