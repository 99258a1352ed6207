import CLinux

package enum ProcessorCount {
    /// Cores this process may run on: what taskset and cpusets leave of those there are.
    package static var available: Int { Int(CLinux_available_processors()) }
}
