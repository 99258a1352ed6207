import CommonValues
package import Diagnostics
import EventLoops
import Glibc
import SystemInterfaces

/// Sockets that listen at one address, one a worker.
final class ListeningSockets {
    let sockets: [SharedSocket]

    private init(_ sockets: [SharedSocket]) { self.sockets = sockets }

    /// - Parameter own: Where this process listens already.
    /// - Throws: if the address is taken, by whomever else.
    static func open(
        at place: ListeningPlace, count: Int, beside own: Set<ListeningPlace>
    ) throws(SystemCallError) -> ListeningSockets {
        let address = place.address
        switch address {
        case .ip:
            try askForOthers(at: place, beside: own.filter { $0.overlaps(place) })
            var sockets: [SharedSocket] = []
            for _ in 0..<count {
                let socket = try Socket.bound(to: address, sharesPort: true, isIPv6Only: place.isIPv6Only)
                // Callers that are gone without a word, their half of the connection ended perhaps, are found out in two minutes.
                socket.probeSilentHost(after: 60, every: 15, times: 4)
                try socket.listen()
                sockets.append(SharedSocket(socket))
            }
            return ListeningSockets(sockets)
        case .unix(let path):
            if try isStale(path) { unsafe unlink(path) }
            let socket = try Socket.bound(to: address, sharesPort: false)
            // Who may reach the socket is for the folder it lies in to say, as who may reach a port is for the host.
            guard unsafe chmod(path, 0o666) == 0 else { throw SystemCallError(last: "chmod") }
            try socket.listen()
            let shared = SharedSocket(socket)
            return ListeningSockets(Array(repeating: shared, count: count))
        }
    }

    /// What `open` would throw, found out without a socket that listens, or a file that is made or removed.
    static func rehearse(at place: ListeningPlace, beside own: Set<ListeningPlace>) throws(SystemCallError) {
        switch place.address {
        case .ip:
            try askForOthers(at: place, beside: own.filter { $0.overlaps(place) })
            _ = try Socket.bound(to: place.address, sharesPort: true, isIPv6Only: place.isIPv6Only)
        case .unix(let path):
            _ = try isStale(path)
            let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            try FileAccess.checkWritable(folder, for: "bind")
        }
    }

    /// Closes the way to what was opened here and is not to serve; the sockets close with the last reference to them.
    static func withdraw(_ place: ListeningPlace) {
        if case .unix(let path) = place.address { _ = unsafe unlink(path) }
    }

    /// SO_REUSEPORT would let us in beside another process that set it too: asks without it first.
    /// - Parameter own: Sockets of ours at the same port, which are in the way of asking at the place itself. Another's that
    ///   takes calls for all addresses shows where it would take one that is nobody's; one that is at a single address beside
    ///   us shows when the port is shared.
    private static func askForOthers(
        at place: ListeningPlace, beside own: Set<ListeningPlace>
    ) throws(SystemCallError) {
        guard !own.isEmpty else { return try ask(place, isForeign: false) }
        for nobody in [documentationIPv4, discardIPv6] {
            let nobodys = ListeningPlace(.ip(nobody, port: place.address.port))
            guard place.covers(nobodys), !own.contains(where: { $0.covers(nobodys) }) else { continue }
            try ask(nobodys, isForeign: true)
        }
    }

    private static func ask(_ place: ListeningPlace, isForeign: Bool) throws(SystemCallError) {
        _ = try Socket.bound(
            to: place.address, sharesPort: false, isIPv6Only: place.isIPv6Only, isForeign: isForeign)
    }

    /// 192.0.2.1 (RFC 5737) and 100::1 (RFC 6666).
    private static let documentationIPv4 = IPAddress(v4: 0xC000_0201)
    private static let discardIPv6 = IPAddress(high: 0x0100_0000_0000_0000, low: 1)

    /// A socket file that nobody listens at any more is in the way; any other file is not ours to remove.
    /// - Returns: `false` if nothing is there.
    private static func isStale(_ path: String) throws(SystemCallError) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return false }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw SystemCallError("bind", errno: EEXIST) }
        do throws(SystemCallError) {
            _ = try Socket.connecting(to: .unix(path: path))
            throw SystemCallError("bind", errno: EADDRINUSE)
        } catch {
            guard error.errno == ECONNREFUSED else { throw error }
            return true
        }
    }
}

/// A socket that several hold.
final class SharedSocket {
    private let socket: Socket

    init(_ socket: consuming Socket) { self.socket = socket }

    func duplicate() throws(SystemCallError) -> Socket { try socket.duplicate() }
}

extension Diagnostic.Code {
    /// A port or path to listen at is taken, or not ours to use.
    package static let cannotListen = Self("serving.cannot-listen")
    /// A name in an address does not resolve.
    package static let unresolvableName = Self("serving.unresolvable-name")
    /// A name in the address of an endpoint does not resolve.
    package static let unresolvedEndpoint = Self("serving.unresolved-endpoint")
    /// A name in the address of an endpoint does not resolve any more.
    package static let staleEndpoint = Self("serving.stale-endpoint")
    /// A selector names a user or group that this host does not have.
    package static let unknownAccount = Self("serving.unknown-account")
    /// A name beside a number that is another's on this host.
    package static let contradictingAccount = Self("serving.contradicting-account")
}

extension Diagnostic {
    static func cannotListen(
        _ address: NetworkAddress, _ listener: ServingPlan.PlacedListener, _ error: SystemCallError
    ) -> Diagnostic {
        let remedy =
            switch error.errno {
            case EADDRINUSE: "stop the process that listens there, or choose another port"
            case EACCES: "choose a port above 1023, or run with CAP_NET_BIND_SERVICE"
            case EADDRNOTAVAIL: "choose an address of this host"
            case EEXIST: "remove the file that is there, or choose another path"
            case ENOENT: "make the folder that it is to be in"
            case EINVAL where address.isLinkLocal:
                "choose another address: a link-local one is of one interface, which cannot be named here"
            case let errno: FailedCall.resourceRemedy(errno) ?? "choose another address"
            }
        let isOfAddress = [EADDRNOTAVAIL, EINVAL, EAFNOSUPPORT].contains(error.errno)
        return Diagnostic(
            .cannotListen, at: isOfAddress ? listener.addressPosition ?? listener.position : listener.position,
            found: "\(address) for \(listener.owner): \(error.reason)",
            expected: "an address that can be listened at", remedy: remedy)
    }
}

extension NetworkAddress {
    /// fe80::/10 (RFC 4291 § 2.5.6).
    fileprivate var isLinkLocal: Bool {
        guard case .ip(let address, _) = self else { return false }
        return address.high >> 54 == 0x3FA
    }
}
