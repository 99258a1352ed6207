package import Manifests

/// The numbers of the users and groups of this host that selectors name. One that is not there stands for nobody.
package struct HostAccounts: Hashable, Sendable {
    package var users: [String: UInt32]
    package var groups: [String: UInt32]

    package init(users: [String: UInt32] = [:], groups: [String: UInt32] = [:]) {
        self.users = users
        self.groups = groups
    }

    /// Those of selectors that this host does not have.
    package func missing(from selectors: [WorkloadSelector]) -> (users: [Located<String>], groups: [Located<String>]) {
        (
            selectors.compactMap(\.user).filter { users[$0.value] == nil },
            selectors.compactMap(\.group).filter { groups[$0.value] == nil }
        )
    }
}
