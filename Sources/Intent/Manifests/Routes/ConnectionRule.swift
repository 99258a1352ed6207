/// The one rule of a TCPRoute or TLSRoute: nothing of a connection would tell two apart.
package struct ConnectionRule: Hashable, Sendable {
    package var name: String?
    /// One at least.
    package var backendRefs: [BackendRef]
    package var position: Located<Int>

    package init(name: String?, backendRefs: [BackendRef], position: Located<Int>) {
        self.name = name
        self.backendRefs = backendRefs
        self.position = position
    }
}

package struct BackendRef: Hashable, Sendable {
    /// A Service of protocol TCP; its namespace defaults to the route's.
    package var service: Located<ResourceName>
    /// 0 to 1,000,000. Default: 1.
    package var weight: Int
}
