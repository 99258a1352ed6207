import Glibc
import SystemInterfaces

/// The host's packet filter, by its own program (nft(8)).
package struct PacketFilter: Sendable {
    /// Why it did not do what it was asked for.
    package enum Failure: Error, Hashable, Sendable {
        /// `nft` is not installed.
        case missing
        /// This process may not change the host's packet filter (CAP_NET_ADMIN).
        case notPermitted
        /// It was not done within 5 s.
        case overdue
        /// - Parameter reason: As it, or the system, says it.
        case refused(reason: String)
    }

    private let path: String?

    /// Where distributions have it.
    private static let places = ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/usr/local/sbin/nft"]

    package init() { path = Self.places.first { unsafe access($0, X_OK) == 0 } }

    /// - Parameter path: Of a program that is called as nft is.
    init(path: String) { self.path = path }

    /// One transaction.
    /// - Parameter isRehearsal: It is only looked whether it would be done.
    func run(_ script: String, isRehearsal: Bool = false) throws(Failure) {
        _ = try call((isRehearsal ? ["-c"] : []) + ["-f", "-"], input: script)
    }

    /// - Returns: `nil`: there is none of the name.
    package func list(_ table: String) throws(Failure) -> GuardListing? {
        do throws(Failure) {
            return GuardListing(try call(["-n", "list", "table", "inet", table]))
        } catch .refused(let reason) where reason.contains("No such file or directory") {
            // That may be of a module of the kernel's, too: another look tells.
            guard try !tables().contains(table) else { throw .refused(reason: reason) }
            return nil
        }
    }

    /// The names of all guards' tables.
    package func tables() throws(Failure) -> [String] {
        try call(["list", "tables", "inet"]).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            // What this program has not made, it does not name to nft either.
            guard words.count == 3, GuardTable.isName(words[2]) else { return nil }
            return String(words[2])
        }
    }

    /// Removes a guard's table, if it is there.
    package func remove(_ table: String) throws(Failure) { try run(GuardScript.removing(table)) }

    private func call(_ arguments: [String], input: String = "") throws(Failure) -> String {
        guard let path else { throw .missing }
        let outcome: ChildProgram.Outcome
        do throws(SystemCallError) {
            outcome = try ChildProgram(path, arguments).run(input: Array(input.utf8))
        } catch {
            throw error.isMissing ? .missing : .refused(reason: error.description)
        }
        switch outcome.end {
        case .exited(0): return String(decoding: outcome.output, as: UTF8.self)
        case .overdue: throw .overdue
        case .killed(let signal): throw .refused(reason: "killed by signal \(signal)")
        case .exited:
            let errors = String(decoding: outcome.errors, as: UTF8.self)
            guard !errors.contains("Operation not permitted") else { throw .notPermitted }
            throw .refused(reason: errors.split(separator: "\n").first.map { String($0.prefix(200)) } ?? "no reason")
        }
    }
}

extension PacketFilter.Failure {
    /// In words.
    package var reason: String {
        switch self {
        case .missing: "the program nft is not installed"
        case .notPermitted: "this user may not change the host's packet filter"
        case .overdue: "nft did not end within 5 s"
        case .refused(let reason): reason
        }
    }

    /// What to do about it.
    /// - Parameter program: What called it.
    package func remedy(for program: String) -> String {
        switch self {
        case .missing: "install nftables (apt-get install nftables)"
        case .notPermitted:
            "start \(program) as root, or with CAP_NET_ADMIN (in a unit: AmbientCapabilities=CAP_NET_ADMIN)"
        case .overdue, .refused: "look what the host says itself: nft list tables"
        }
    }
}
