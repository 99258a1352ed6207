import Glibc

/// What a file that is written shall be.
package enum FileRole: Hashable, Sendable {
    /// Its owner's alone: no access list that its folder has for new files comes with it.
    case ofItsOwner
    /// One that was not there: its folder's owner's, as far as this process may give it away, with the access list that it
    /// inherits.
    case new(FileTraits)
    /// It stands for one that is there, now or later: it is the same owner's and group's and has the same access list, or is
    /// not written at all, and gets its notes, too, as far as the filesystem has them.
    case standIn(FileTraits)

    var permissions: mode_t {
        switch self {
        case .ofItsOwner: 0o600
        case .new(let traits), .standIn(let traits): traits.ownership.permissions
        }
    }
}
