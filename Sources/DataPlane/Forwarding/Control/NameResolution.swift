package import CommonValues
import EventLoops
import Glibc

/// What is known of a name in addresses.
package typealias ResolvedName = Resolved<IPAddress>
package typealias NameTable = LookupTable<IPAddress>

extension LookupTable where Value == IPAddress {
    /// - Parameter lookUp: Asks for one name, however long that takes. That there is no address may be for want of a server.
    package convenience init(
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
        lookUp: @escaping @Sendable (String) -> [IPAddress] = NameResolution.addresses
    ) {
        self.init(now: now) { name -> LookupAnswer<IPAddress> in
            let addresses = lookUp(name)
            return addresses.isEmpty ? .failed : .found(addresses)
        }
    }
}

/// Names in addresses, asked of the host's resolver. Blocks, for as long as a DNS server may take: for threads of
/// `NameTable` only.
package enum NameResolution {
    /// - Returns: IPv4 and IPv6 addresses, each once; empty if the name has none now.
    package static func addresses(of name: String) -> [IPAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { unsafe freeaddrinfo(list) }
        var found: [IPAddress] = []
        var entry = unsafe list
        while let current = unsafe entry {
            if let raw = unsafe current.pointee.ai_addr, let address = unsafe NetworkAddress(UnsafeRawPointer(raw)),
                !found.contains(address.ip)
            {
                found.append(address.ip)
            }
            unsafe entry = unsafe current.pointee.ai_next
        }
        return found
    }
}
