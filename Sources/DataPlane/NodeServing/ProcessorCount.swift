import CLinux
import Glibc

enum ProcessorCount {
    /// Cores this process may run on: what taskset and cpusets leave of those there are.
    static var available: Int { Int(CLinux_available_processors()) }
}
