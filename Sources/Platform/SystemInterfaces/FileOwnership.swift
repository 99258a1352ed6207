import Glibc

/// Whose a file is, and who may do what with it.
package struct FileOwnership: Hashable, Sendable {
    package var owner: UInt32
    package var group: UInt32
    /// The last twelve bits of its mode.
    package var permissions: UInt32

    /// Whether this process may give a file of its own to the group.
    package var isOfOwnGroup: Bool {
        if group == getegid() { return true }
        var groups = [gid_t](repeating: 0, count: Int(NGROUPS_MAX))
        let count = unsafe getgroups(CInt(groups.count), &groups)
        return count > 0 && groups[..<Int(count)].contains(group)
    }

    /// What is left of the permissions where the group is another one: what both its group and all others may, so that
    /// nobody may more than before.
    var permissionsOfAnotherGroup: mode_t {
        let shared = permissions >> 3 & permissions & 0o7
        return permissions & 0o700 | shared << 3 | shared
    }
}
