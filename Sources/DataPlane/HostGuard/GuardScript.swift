import CommonValues
import EventLoops

/// A guard in the language of nft(8). Each text is one transaction: the kernel takes all of it, or nothing.
enum GuardScript {
    /// The guard as it is to be while a change is under way: what was guarded still is, and what is to be is already. Those who
    /// could connect still can.
    ///
    /// It adds to what the kernel has, whoever left it there: no process needs to know what the last one guarded.
    static func widening(to table: GuardTable) -> String { frame(table) + elements(of: table) + rules(of: table) }

    /// The guard as it is, in the place of whatever has its name.
    /// - Parameter counts: Where its counters begin.
    static func anew(_ table: GuardTable, counts: GuardCounts) -> String {
        removing(table.name) + frame(table, counts) + elements(of: table) + rules(of: table)
    }

    /// Removes the table, if it is there.
    static func removing(_ name: String) -> String { "add table \(family) \(name)\ndelete table \(family) \(name)\n" }

    /// What is to be seen of a table that is as it was meant.
    static func shape(of table: GuardTable) -> GuardListing.Shape {
        GuardListing.Shape(
            hooks: Dictionary(
                uniqueKeysWithValues: hooks.map { ($0, "type filter hook \($0) priority 0; policy accept;") }),
            ruleCounts: Dictionary(uniqueKeysWithValues: chains.map { ($0.chain, $0.rules.count) }),
            elementCounts: Dictionary(uniqueKeysWithValues: zip(sets.map(\.name), members(of: table).map(\.count))))
    }

    private static let family = "inet"

    private static let sets = [
        (name: "users", type: "uid"), (name: "ports", type: "inet_service"),
        (name: "endpoints4", type: "ipv4_addr . inet_service"), (name: "endpoints6", type: "ipv6_addr . inet_service"),
    ]

    private static let hooks = ["output", "input", "forward"]

    private static func frame(_ table: GuardTable, _ counts: GuardCounts = GuardCounts()) -> String {
        let name = "\(family) \(table.name)"
        var text = "add table \(name) { comment \"\(GuardTable.comment(ofNode: table.node))\"; }\n"
        text += "add counter \(name) local { packets \(counts.local) bytes 0; }\n"
        text += "add counter \(name) remote { packets \(counts.remote) bytes 0; }\n"
        for set in sets { text += "add set \(name) \(set.name) { type \(set.type); }\n" }
        for (chain, _) in chains {
            text += "add chain \(name) \(chain)"
            text += hooks.contains(chain) ? " { type filter hook \(chain) priority filter; policy accept; }\n" : "\n"
        }
        return text
    }

    /// Of each set.
    private static func members(of table: GuardTable) -> [[String]] {
        let places = { (isIPv4: Bool) in
            table.endpoints.compactMap { address -> String? in
                guard case .ip(let ip, let port) = address, (ip.v4 != nil) == isIPv4 else { return nil }
                return "\(ip) . \(port)"
            }.sorted()
        }
        return [
            table.users.sorted().map { "\($0)" }, table.ports.sorted().map { "\($0)" }, places(true), places(false),
        ]
    }

    private static func elements(of table: GuardTable) -> String {
        zip(sets, members(of: table)).filter { !$0.1.isEmpty }.map { set, members in
            "add element \(family) \(table.name) \(set.name) { \(members.joined(separator: ", ")) }\n"
        }.joined()
    }

    private static func rules(of table: GuardTable) -> String {
        chains.map { chain, rules in
            "flush chain \(family) \(table.name) \(chain)\n"
                + rules.map { "add rule \(family) \(table.name) \(chain) \($0)\n" }.joined()
        }.joined()
    }

    /// Which packets are let through.
    ///
    /// A connection begins with a SYN alone (RFC 9293 § 3.5): who may not connect is refused there. Other packets are judged too, for
    /// connections that were there before the guard was, or before their user was taken off the list. But
    /// the kernel knows no user for what it sends by itself, as the last bytes of a connection whose process has closed it: that
    /// belongs to one that was let begin. And what comes from where a workload listens answers a caller, whose own port may have the number
    /// of a guarded one.
    private static let chains: [(chain: String, rules: [String])] = [
        (
            "judge",
            [
                "\(isFirst) meta skuid @users accept", "\(isFirst) counter name local reject with tcp reset",
                "ip saddr . tcp sport @endpoints4 accept", "ip6 saddr . tcp sport @endpoints6 accept",
                "meta skuid != @users counter name local reject with tcp reset",
            ]
        ),
        (
            "refuse",
            [
                "\(isNotFirst) ip saddr . tcp sport @endpoints4 accept",
                "\(isNotFirst) ip6 saddr . tcp sport @endpoints6 accept", "counter name remote drop",
            ]
        ),
        (
            "output",
            [
                // What is guarded nowhere goes no further: one look at a set.
                "tcp dport != @ports accept",
                "ip daddr . tcp dport @endpoints4 goto judge", "ip6 daddr . tcp dport @endpoints6 goto judge",
                "tcp dport @ports fib daddr type local goto judge",
            ]
        ),
        // What comes in by lo was judged as it went out.
        ("input", ["iif lo accept", "tcp dport @ports goto refuse"]),
        // To containers, which have addresses of their own, from everywhere but this host.
        (
            "forward",
            [
                "ip daddr . tcp dport @endpoints4 counter name remote drop",
                "ip6 daddr . tcp dport @endpoints6 counter name remote drop",
            ]
        ),
    ]

    private static var isFirst: String { "tcp flags & (syn | ack) == syn" }
    private static var isNotFirst: String { "tcp flags & (syn | ack) != syn" }
}
