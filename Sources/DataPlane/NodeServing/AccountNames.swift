package import Attestation
package import Forwarding
import Glibc
package import Manifests
import MeshSnapshot

/// Users and groups of this host, by name, as the host's own services know them (nsswitch.conf(5)).
package typealias AccountTable = LookupTable<UInt32>

/// A user or a group, as an `AccountTable` is asked for it.
package enum AccountName: Hashable {
    case user(String)
    case group(String)

    /// What it is, a blank, and its name, which may have blanks.
    var key: String {
        switch self {
        case .user(let name): "user \(name)"
        case .group(let name): "group \(name)"
        }
    }

    var name: String {
        switch self {
        case .user(let name), .group(let name): name
        }
    }

    private init?(key: String) {
        let parts = key.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        self = parts[0] == "user" ? .user(String(parts[1])) : .group(String(parts[1]))
    }

    /// Asks the host. Blocks, for as long as a directory server may take: for threads of an `AccountTable` only.
    package static func lookUp(_ key: String) -> LookupAnswer<UInt32> {
        guard let name = AccountName(key: key) else { return .absent }
        // What the host's services need for one entry; a group may have many members.
        var capacity = 4_096
        while capacity <= 1 << 22 {
            switch name.lookUp(capacity: capacity) {
            case .success(let answer): return answer
            case .failure(.needsMore): capacity *= 4
            }
        }
        return .failed
    }

    private enum LookupFailure: Error { case needsMore }

    private func lookUp(capacity: Int) -> Result<LookupAnswer<UInt32>, LookupFailure> {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
            var number: UInt32?
            let result: CInt
            switch self {
            case .user(let name):
                var entry = unsafe passwd()
                var found: UnsafeMutablePointer<passwd>?
                result = unsafe getpwnam_r(name, &entry, buffer.baseAddress!, buffer.count, &found)
                if unsafe found != nil { unsafe number = entry.pw_uid }
            case .group(let name):
                var entry = unsafe Glibc.group()
                var found: UnsafeMutablePointer<Glibc.group>?
                result = unsafe getgrnam_r(name, &entry, buffer.baseAddress!, buffer.count, &found)
                if unsafe found != nil { unsafe number = entry.gr_gid }
            }
            if let number { return .success(.found([number])) }
            switch result {
            // Not all services say in the same way that there is none (getpwnam(3)).
            case 0, ENOENT, ESRCH, EBADF, EPERM: return .success(.absent)
            case ERANGE: return .failure(.needsMore)
            default: return .success(.failed)
            }
        }
    }
}

extension HostAccounts {
    /// What a table knows now of those that selectors name.
    package init(_ names: Set<AccountName>, in table: AccountTable) {
        self.init()
        for name in names {
            guard let number = table[name.key].values.first else { continue }
            note(number, of: name)
        }
    }
}

extension HostAccounts {
    /// What the host says of them now. Blocks, for as long as a directory server may take.
    package init(asking names: Set<AccountName>) {
        self.init()
        for name in names {
            switch AccountName.lookUp(name.key) {
            case .found(let numbers): if let number = numbers.first { note(number, of: name) }
            case .absent: break
            // A directory that does not answer has not said that there is none.
            case .failed: unanswered.insert(name.name)
            }
        }
    }

    private mutating func note(_ number: UInt32, of name: AccountName) {
        switch name {
        case .user(let name): users[name] = number
        case .group(let name): groups[name] = number
        }
    }
}

extension Workload {
    /// Users and groups that its selectors name, and who may start it.
    package var accountNames: [AccountName] {
        let selected = selectors.flatMap { selector in
            [selector.user.map { AccountName.user($0.value) }, selector.group.map { AccountName.group($0.value) }]
        }
        return selected.compactMap { $0 } + startedBy.map { .user($0.value) }
    }
}
