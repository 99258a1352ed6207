import Authorization
import EventLoops

/// Where the connections of a listener go that takes bytes as they are.
final class TCPListenerView {
    /// Whose identity they carry.
    let caller: Caller
    let service: ServiceView

    init(caller: Caller, service: ServiceView) {
        self.caller = caller
        self.service = service
    }

    func pick(serverName: [UInt8], using random: inout FastRandom) -> ServiceView? { service }
}
