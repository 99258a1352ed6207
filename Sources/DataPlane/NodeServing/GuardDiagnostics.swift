package import Diagnostics
import EventLoops
import HostGuard
import Manifests

extension Diagnostic.Code {
    /// The kernel does not hold the guard.
    package static let guardDown = Self("guard.down")
    /// Heddle's user is a workload's, too.
    package static let guardSharedUser = Self("guard.shared-user")
    /// A listener of Heddle's own is behind the guard.
    package static let guardedListener = Self("guard.guarded-listener")
    /// Another guard of this host's looks like this node's.
    package static let otherGuard = Self("guard.other-table")
    /// A guarded port may be another connection's own.
    package static let guardedPort = Self("guard.ephemeral-port")
    /// Everybody may connect to a workload's Unix socket.
    package static let openSocket = Self("guard.open-socket")
}

extension Diagnostic {
    static func guardIsDown(_ position: SourcePosition, _ failure: PacketFilter.Failure) -> Diagnostic {
        Diagnostic(
            .guardDown, at: position, found: "no guard: \(failure.reason)",
            expected: "one that the kernel holds: until then whoever reaches a workload's plain port may use it",
            remedy: failure.remedy(for: "heddle run"))
    }

    /// None is wanted, and the table is there.
    static func guardStays(_ position: SourcePosition, _ table: String, _ failure: PacketFilter.Failure) -> Diagnostic {
        Diagnostic(
            .guardDown, at: position, found: "a guard that cannot be removed: \(failure.reason)",
            expected: "none, as the Node has none: until then the ports stay closed that it guards",
            remedy: "\(failure.remedy(for: "heddle run")); or remove it by hand: nft delete table inet \(table)")
    }

    static func guardSharesUser(_ position: SourcePosition, _ workload: ResourceName, _ user: UInt32) -> Diagnostic {
        Diagnostic(
            .guardSharedUser, at: position,
            found: "Workload \(quoted("\(workload)")) runs as user \(user), as Heddle does",
            expected: "a user of Heddle's own: the guard lets that user reach every workload's plain port",
            remedy: "run Heddle, or the workload, as another user")
    }

    static func guardedListener(_ position: SourcePosition, _ listener: NetworkAddress) -> Diagnostic {
        Diagnostic(
            .guardedListener, at: position,
            found: "a listener of Heddle's at \(listener), whose port is a workload's, too",
            expected: "a port of its own: the guard closes a workload's port at every address of this host",
            remedy: "give the listener, or the workload, another port")
    }

    static func otherGuard(_ position: SourcePosition, _ table: String) -> Diagnostic {
        Diagnostic(
            .otherGuard, .warning, at: position,
            found: "another guard, \(table), which says that it is this node's, or guards ports of its workloads",
            expected: "one guard: each refuses whom it does not list",
            remedy: "if no mesh of this host has it any more, remove it: heddle guard remove \(table)")
    }

    static func guardedPortIsEphemeral(_ position: SourcePosition, _ ports: [UInt16]) -> Diagnostic {
        let some = ports.prefix(5).map { "\($0)" }.joined(separator: ",") + (ports.count > 5 ? ",…" : "")
        return Diagnostic(
            .guardedPort, .warning, at: position,
            found: "\(ports.count == 1 ? "a guarded port" : "\(ports.count) guarded ports") (\(some)) that the kernel "
                + "gives connections as their own",
            expected: "ports that no other connection has: one that gets such a port is cut",
            remedy: "add them to those that the kernel leaves alone (sysctl net.ipv4.ip_local_reserved_ports)")
    }

    static func openSocket(_ address: Located<SocketAddress>) -> Diagnostic {
        Diagnostic(
            .openSocket, .warning, at: address.position,
            found: "\"\(address.value)\", to which every user of this host may connect",
            expected: "a socket that Heddle's user alone may connect to, as the guard guards ports",
            remedy: "have it made with mode 0660 and Heddle's group, or in a folder that is closed to others")
    }
}
