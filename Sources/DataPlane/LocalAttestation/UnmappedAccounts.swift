import Attestation
import SystemInterfaces

/// What the kernel calls users and groups that this process's user namespace does not have (user_namespaces(7)): one number for all of
/// them, which is nobody's in particular.
struct UnmappedAccounts: Sendable {
    /// `nil`: it has all.
    let user: UInt32?
    let group: UInt32?

    static let own = UnmappedAccounts(
        user: number(map: "/proc/self/uid_map", of: "/proc/sys/kernel/overflowuid"),
        group: number(map: "/proc/self/gid_map", of: "/proc/sys/kernel/overflowgid"))

    /// What is known of a process that is said to act with a group.
    func fact(ofGroup group: UInt32) -> LocalProcess.Fact<UInt32> {
        group == self.group ? .unknown("its group is none of this user namespace's") : .known(group)
    }

    private static func number(map: String, of setting: String) -> UInt32? {
        func text(_ path: String) -> String? {
            guard let file = try? OpenFile(path), let bytes = try? file.bytes(limit: 4096) else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
        if text(map)?.split(whereSeparator: \.isWhitespace) == ["0", "0", "4294967295"] { return nil }
        return text(setting).flatMap { UInt32($0.split(separator: "\n")[0]) } ?? 65_534
    }
}
