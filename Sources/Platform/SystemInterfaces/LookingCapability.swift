import CLinux

/// What the kernel asks of who looks at processes of other users (capabilities(7)).
package enum LookingCapability: String, CaseIterable, Sendable {
    /// To see which file a process executes, and what the descriptors are that it has.
    case trace = "CAP_SYS_PTRACE"
    /// To read which descriptors it has.
    case search = "CAP_DAC_READ_SEARCH"

    private var isHeld: Bool {
        switch self {
        case .trace: CLinux_is_capable(CInt(CLinux_may_trace)) == 1
        case .search: CLinux_is_capable(CInt(CLinux_may_search)) == 1
        }
    }

    /// Those that this process does not have.
    package static var missing: [LookingCapability] { allCases.filter { !$0.isHeld } }

    /// `CAP_SYS_PTRACE is missing`.
    package static func text(missing: [LookingCapability]) -> String {
        switch missing.count {
        case 0: "no capability is missing, so a security module or a user namespace forbids it"
        case 1: "\(missing[0].rawValue) is missing"
        default: "\(missing.map(\.rawValue).joined(separator: " and ")) are missing"
        }
    }
}
