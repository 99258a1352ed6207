package import CommonValues
package import Manifests

/// Who calls a service in plain, since its port was opened.
package struct PlainCallersReport: Sendable {
    package struct Source: Sendable {
        /// An address, or a network of IPv6: `2001:db8::/64`; `::1` stands for itself.
        package var address: String
        package var calls: UInt64
        package var lastAt: UnixTime

        package init(address: String, calls: UInt64, lastAt: UnixTime) {
            self.address = address
            self.calls = calls
            self.lastAt = lastAt
        }
    }

    package var service: ResourceName
    /// Those that have called last, the latest first.
    package var sources: [Source]
    /// Calls from others.
    package var otherCalls: UInt64

    package init(service: ResourceName, sources: [Source], otherCalls: UInt64) {
        self.service = service
        self.sources = sources
        self.otherCalls = otherCalls
    }
}
