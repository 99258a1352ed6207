import Attestation
import Glibc
import Manifests
import SystemInterfaces

/// What was read of one process that has a socket open, or made a connection; and of all who have it, where they are several.
struct SocketHolder {
    /// Tells it from whoever has its number later.
    let identity: Identity
    private(set) var executable: LocalProcess.Fact<String>
    /// The file itself, wherever it lies.
    private(set) var file: LocalProcess.Fact<ProcessFolder.ExecutableFile>
    private(set) var startedAs: ResourceName?
    private(set) var startedBy: LoneProgram?
    /// Whose it is, and as whom it acts; asked of what was started as a workload.
    private let users: Set<UInt32>
    /// It has ended by now, or had when it was read.
    let hasEnded: Bool
    private var others: [Int32] = []

    /// For messages.
    private static let namedOthers = 8

    struct Identity: Hashable {
        let folder: ProcessFolder
        let ticks: UInt64

        /// - Returns: `nil`: it has ended.
        /// - Throws: Nobody knows.
        init?(_ handle: ProcessHandle, _ folder: ProcessFolder) throws(ProcessFolder.Unknown) {
            do throws(SystemCallError) { ticks = try folder.startTicks() } catch {
                guard error.saysGone else { throw ProcessFolder.Unknown(error, reading: "its start") }
                guard !handle.isAlive else { throw ProcessFolder.Unknown("/proc hides it") }
                return nil
            }
            // What is read under its number is its own if it lives afterwards.
            guard handle.isAlive else { return nil }
            self.folder = folder
        }

        /// The process.
        /// - Returns: `nil`: it has ended.
        /// - Throws: Nobody knows.
        func handle() throws(ProcessFolder.Unknown) -> ProcessHandle? {
            do throws(SystemCallError) {
                let handle = try ProcessHandle(pid: folder.pid)
                return try folder.startTicks() == ticks && handle.isAlive ? handle : nil
            } catch {
                guard error.saysGone else { throw ProcessFolder.Unknown(error, reading: "its process") }
                return nil
            }
        }
    }

    init(_ identity: Identity, _ handle: ProcessHandle, _ started: StartedProcesses) {
        let folder = identity.folder
        let executable = Self.fact { () throws(ProcessFolder.Unknown) in
            let (path, file) = try folder.executable()
            return Executable(path: path, file: file)
        }
        let file: LocalProcess.Fact<ProcessFolder.ExecutableFile> =
            if case .known(let known) = executable {
                .known(known.file)
            } else {
                Self.fact { () throws(ProcessFolder.Unknown) in try folder.executableFile() }
            }
        startedAs = started.workload(of: identity)
        startedBy = startedAs == nil ? started.origin(of: folder) : nil
        let users = startedAs == nil ? nil : try? folder.users()
        self.users = users.map { [$0.real, $0.effective] } ?? []
        self.identity = identity
        hasEnded = !handle.isAlive
        let ended = "it has ended"
        self.file = hasEnded ? .unknown(ended) : file
        self.executable =
            switch executable {
            case _ where hasEnded: .unknown(ended)
            case .known(let known): .known(known.path)
            case .unknown(let why): .unknown(why)
            case .notAsked: .notAsked
            }
    }

    /// What it was started as, for a socket that a user made: that of another one was handed to it.
    func startedAs(makerOfSocket user: UInt32) -> LocalProcess.Fact<ResourceName?> {
        guard startedAs != nil, !users.contains(user) else { return .known(startedAs) }
        return .unknown("pid \(identity.folder.pid) has a socket that another user has made")
    }

    private struct Executable: Hashable, Sendable {
        let path: String
        let file: ProcessFolder.ExecutableFile
    }

    private static func fact<Value>(
        _ read: () throws(ProcessFolder.Unknown) -> Value
    ) -> LocalProcess.Fact<Value> {
        do throws(ProcessFolder.Unknown) { return .known(try read()) } catch { return .unknown(error.reason) }
    }

    /// Another one has the socket, too: known is what is the same of both.
    mutating func join(_ other: SocketHolder) {
        guard other.identity != identity else { return }
        if others.count < Self.namedOthers { others.append(other.identity.folder.pid) }
        executable = common(executable, other.executable)
        file = common(file, other.file)
        if startedAs != other.startedAs { startedAs = nil }
        startedBy = startedBy ?? other.startedBy
    }

    private func common<Value>(
        _ own: LocalProcess.Fact<Value>, _ other: LocalProcess.Fact<Value>
    ) -> LocalProcess.Fact<Value> {
        if case .known = own, case .known = other, own != other {
            let pids = ([identity.folder.pid] + others).map { "\($0)" }.joined(separator: ", ")
            return .unknown("the processes that have the socket differ: \(pids)")
        }
        if case .unknown = other, case .known = own { return other }
        return own
    }
}
