import EventLoops

/// Both the kernel's side and the rules' know addresses; here the kernel's is meant unless said otherwise.
typealias IPAddress = EventLoops.IPAddress
