package import Diagnostics

extension Diagnostic.Code {
    /// A projection of a Config names a Workload that is not there.
    package static let unknownWorkload = Self("manifest.unknown-workload")
}
