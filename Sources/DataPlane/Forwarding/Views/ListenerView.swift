import CallPlanning
import EventLoops

/// A listener in one generation.
final class ListenerView {
    let role: ListenerRole
    let address: NetworkAddress
    let label: String

    init(role: ListenerRole, address: NetworkAddress, label: String) {
        self.role = role
        self.address = address
        self.label = label
    }
}
