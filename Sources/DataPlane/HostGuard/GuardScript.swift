import CommonValues
import EventLoops

/// A guard in the language of nft(8). Each text is one transaction: the kernel takes all of it, or nothing.
enum GuardScript {
    /// The guard as it is to be while a change is under way: what was guarded still is, and what is to be is already. Those who
    /// could connect still can.
    ///
    /// It adds to what the kernel has, whoever left it there: no process needs to know what the last one guarded.
    static func widening(to table: GuardTable) -> String { frame(table) + elements(of: table) + rules(of: table) }

    /// The guard as it is, with what it has counted.
    static func exact(_ table: GuardTable) -> String {
        frame(table) + sets.map { "flush set \(family) \(table.name) \($0.name)\n" }.joined() + elements(of: table)
            + rules(of: table)
    }

    /// The same in the place of whatever has its name.
    static func anew(_ table: GuardTable) -> String { removing(table.name) + exact(table) }

    /// Removes the table, if it is there.
    static func removing(_ name: String) -> String { "add table \(family) \(name)\ndelete table \(family) \(name)\n" }

    private static let family = "inet"

    private static let sets = [
        (name: "users", type: "uid"), (name: "ports", type: "inet_service"),
        (name: "endpoints4", type: "ipv4_addr . inet_service"), (name: "endpoints6", type: "ipv6_addr . inet_service"),
        (name: "listeners4", type: "ipv4_addr . inet_service"), (name: "listeners6", type: "ipv6_addr . inet_service"),
    ]

    /// Refused packets of this host's processes, and of everybody else's.
    static let counters = ["local", "remote"]

    private static let hooks = ["output", "input", "forward"]

    private static func frame(_ table: GuardTable) -> String {
        let name = "\(family) \(table.name)"
        var text = "add table \(name) { comment \"Heddle's guard of node \(table.node)\"; }\n"
        for counter in counters { text += "add counter \(name) \(counter)\n" }
        for set in sets { text += "add set \(name) \(set.name) { type \(set.type); }\n" }
        for chain in ["judge", "refuse"] { text += "add chain \(name) \(chain)\n" }
        for hook in hooks {
            text += "add chain \(name) \(hook) { type filter hook \(hook) priority filter; policy accept; }\n"
        }
        return text
    }

    private static func elements(of table: GuardTable) -> String {
        let places = { (addresses: Set<NetworkAddress>, isIPv4: Bool) in
            addresses.compactMap { address -> String? in
                guard case .ip(let ip, let port) = address, (ip.v4 != nil) == isIPv4 else { return nil }
                return "\(ip) . \(port)"
            }.sorted()
        }
        let members = [
            table.users.sorted().map { "\($0)" }, table.ports.sorted().map { "\($0)" },
            places(table.endpoints, true), places(table.endpoints, false),
            places(table.listeners, true), places(table.listeners, false),
        ]
        return zip(sets, members).filter { !$0.1.isEmpty }.map { set, members in
            "add element \(family) \(table.name) \(set.name) { \(members.joined(separator: ", ")) }\n"
        }.joined()
    }

    /// Which packets are let through.
    ///
    /// A connection begins with a SYN alone (RFC 9293 § 3.5): who may not connect is refused there. Other packets are judged too, for
    /// connections that were there before the guard was, or before their user was taken off the list. But
    /// the kernel knows no user for what it sends by itself, as the last bytes of a connection whose process has closed it: that
    /// belongs to one that was let begin. And what comes *from* a guarded port answers a caller, whose own port may have the number of a
    /// guarded one.
    private static func rules(of table: GuardTable) -> String {
        let chains: [(chain: String, rules: [String])] = [
            (
                "judge",
                [
                    "\(isFirst) meta skuid @users accept", "\(isFirst) counter name local reject with tcp reset",
                    "tcp sport @ports accept",
                    "meta skuid != @users counter name local reject with tcp reset",
                ]
            ),
            ("refuse", ["\(isNotFirst) tcp sport @ports accept", "counter name remote drop"]),
            ("output", ["meta l4proto != tcp accept"] + branches("judge") + ["fib daddr type local goto judge"]),
            // What comes in by lo was judged as it went out.
            ("input", ["iif lo accept", "meta l4proto != tcp accept"] + branches("refuse") + ["goto refuse"]),
            // To containers, which have addresses of their own, from everywhere but this host.
            (
                "forward",
                [
                    "ip daddr . tcp dport @endpoints4 counter name remote drop",
                    "ip6 daddr . tcp dport @endpoints6 counter name remote drop",
                ]
            ),
        ]
        return chains.map { chain, rules in
            "flush chain \(family) \(table.name) \(chain)\n"
                + rules.map { "add rule \(family) \(table.name) \(chain) \($0)\n" }.joined()
        }.joined()
    }

    private static let isFirst = "tcp flags & (syn | ack) == syn"
    private static let isNotFirst = "tcp flags & (syn | ack) != syn"

    private static func branches(_ chain: String) -> [String] {
        [
            // What is guarded nowhere goes no further: one look at a set.
            "tcp dport != @ports accept",
            "ip daddr . tcp dport @endpoints4 goto \(chain)", "ip6 daddr . tcp dport @endpoints6 goto \(chain)",
            "ip daddr . tcp dport @listeners4 accept", "ip6 daddr . tcp dport @listeners6 accept",
        ]
    }
}
