/// Which control groups a selector means, by their paths from the root of the hierarchy.
///
/// A user may move processes of his own between the groups that were delegated to him, and his service manager names units as it
/// likes: what lies below a group, and what is a user manager's, counts only for a selector that says which user it is, too.
struct ControlGroupCondition: Hashable, Sendable {
    /// Any of these. As bytes: a String counts as another that looks the same.
    private let paths: [[UInt8]]
    /// What lies below those counts as they do.
    private let takesSubtrees: Bool
    /// The unit of a user's own service manager: any group of this name below that manager's folder.
    private let userUnit: UserUnit?

    private struct UserUnit: Hashable {
        let folder: [UInt8]
        let name: [UInt8]
    }

    /// - Parameter owner: Which user the selector says it is; `nil`: it says none.
    init(path: String, owner: UInt32?) {
        paths = [Array(path.utf8)]
        takesSubtrees = owner != nil
        userUnit = nil
    }

    /// A unit of the system's service manager, where it puts units that name no slice (systemd.slice(5)): instances of a template have
    /// one of their own.
    init(unit: String, owner: UInt32?) {
        var paths = ["/system.slice/\(unit)"]
        if let at = unit.firstIndex(of: "@") {
            let template = unit[..<at].replacing("-", with: "\\x2d")
            paths.append("/system.slice/system-\(template).slice/\(unit)")
        }
        self.paths = paths.map { Array($0.utf8) }
        takesSubtrees = owner != nil
        userUnit = owner.map {
            UserUnit(folder: Array("/user.slice/user-\($0).slice/user@\($0).service/".utf8), name: Array(unit.utf8))
        }
    }

    func matches(_ group: String) -> Bool {
        let group = Array(group.utf8)
        let slash = UInt8(ascii: "/")
        for path in paths where group.starts(with: path) {
            if group.count == path.count || takesSubtrees && group[path.count] == slash { return true }
        }
        guard let userUnit, group.starts(with: userUnit.folder) else { return false }
        return group.dropFirst(userUnit.folder.count).split(separator: slash).contains {
            $0.elementsEqual(userUnit.name)
        }
    }
}
