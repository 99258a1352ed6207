import Diagnostics
import SystemInterfaces

extension SystemCallError {
    /// What mends it, where something was to be written.
    /// - Parameter place: What could not be written, for people: `the manifests folder`.
    func remedy(writing place: String) -> String {
        FailedCall.remedy(errno, to: .write, place)
    }
}
