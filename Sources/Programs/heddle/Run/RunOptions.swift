import Logging

/// What `heddle run` was told.
struct RunOptions: Sendable {
    /// The folder of manifests.
    var manifests: String
    /// Which Node this is; `nil` in a mesh of one host.
    var node: String?
    /// Keys, issued serials, generations.
    var state: String
    /// Path of the admin API's socket; `nil`: `admin.sock` in the state folder.
    var adminSocket: String?
    var logLevel = Logger.Level.info
}
