package import Manifests

/// The numbers of the users and groups of this host that selectors name. One that is not there stands for nobody.
package struct HostAccounts: Hashable, Sendable {
    package var users: [String: UInt32]
    package var groups: [String: UInt32]
    /// Names of which it could not be asked whether there is one, and of which nothing is said.
    package var unanswered: Set<String> = []

    package init(users: [String: UInt32] = [:], groups: [String: UInt32] = [:]) {
        self.users = users
        self.groups = groups
    }

    /// The number of a user; `nil`: this host does not have it.
    package func number(of user: UserReference) -> UInt32? {
        switch user {
        case .name(let name): users[name.value]
        case .number(let number): number
        }
    }

    /// The number of the user whose processes a selector matches; `nil`: it says none, or this host does not have it.
    package func user(of selector: WorkloadSelector) -> UInt32? {
        selector.uid ?? selector.user.flatMap { users[$0.value] }
    }

    /// Those of selectors that this host does not have.
    package func missing(from selectors: [WorkloadSelector]) -> (users: [Located<String>], groups: [Located<String>]) {
        (
            unknownUsers(among: selectors.compactMap(\.user)),
            selectors.compactMap(\.group).filter { groups[$0.value] == nil && !unanswered.contains($0.value) }
        )
    }

    package func unknownUsers(among names: [Located<String>]) -> [Located<String>] {
        names.filter { users[$0.value] == nil && !unanswered.contains($0.value) }
    }

    /// A name beside a number that is another's on this host: both are never so.
    package struct Contradiction: Hashable, Sendable {
        package let name: Located<String>
        /// As the selector has it.
        package let written: UInt32
        /// What the name stands for.
        package let known: UInt32
    }

    /// Those of selectors.
    package func contradictions(
        in selectors: [WorkloadSelector]
    ) -> (users: [Contradiction], groups: [Contradiction]) {
        (
            selectors.compactMap { Self.contradiction($0.user, $0.uid, users) },
            selectors.compactMap { Self.contradiction($0.group, $0.gid, groups) }
        )
    }

    private static func contradiction(
        _ name: Located<String>?, _ number: UInt32?, _ known: [String: UInt32]
    ) -> Contradiction? {
        guard let name, let number, let known = known[name.value], known != number else { return nil }
        return Contradiction(name: name, written: number, known: known)
    }
}
