import EventLoops

/// One worker's share of a place where calls come in. It stays across generations; what it means changes with them.
final class Listener {
    let address: NetworkAddress
    var view: ListenerView
    /// It is gone, and no generation has it any more.
    var isStopped = false

    init(address: NetworkAddress, view: ListenerView) {
        self.address = address
        self.view = view
    }
}
