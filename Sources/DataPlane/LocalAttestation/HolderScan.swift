import SystemInterfaces

/// Finds the processes that have sockets open, by looking at what each process has open, a slice at a time: for a socket the kernel names
/// its maker's user and group, and no process. One look at a process is for all sockets that are wanted.
struct HolderScan {
    enum Event {
        case seen(OpenSockets.Sighting)
        /// All processes were looked at in the first place where any was seen that has these.
        case settled(Set<UInt32>)
        /// The slice is over.
        case paused
        /// Nobody was found who has what is still wanted, and why.
        case over(ProcessFolder.Unknown)
    }

    private let uid: UInt32
    private let groups: ControlGroups
    private var wanted: Set<UInt32>
    /// Of those, what was seen in this place.
    private var seen: Set<UInt32> = []
    private var places: [Place]
    /// Looked at, one after the other.
    private var pids: [Int32] = []
    private var process: OpenSockets?
    private var own: [Int32] = []
    private var others: [Int32] = []
    private var obstacle: ProcessFolder.Unknown?
    /// What stands in the way of looking at another user's says nothing of this one's.
    private var isAmongOthers = false

    private enum Place {
        case members(of: [String])
        case known([Int32])
        /// Nobody is looked at there: all processes are listed, from a position on, the user's apart.
        case list(from: Int)
        case own
        case others
    }

    /// - Parameters:
    ///   - paths: Of the groups that the sockets' makers were in, where that is known.
    ///   - known: Processes that had sockets of this user before: the next one is often the same's.
    init(for wanted: Set<UInt32>, of uid: UInt32, in paths: Set<String>, _ known: [Int32], _ groups: ControlGroups) {
        self.uid = uid
        self.groups = groups
        self.wanted = wanted
        // What comes first stands last. The root's members are most of what there is.
        places = [.others, .own, .list(from: 0), .known(known), .members(of: paths.filter { $0 != "/" })]
    }

    mutating func next(_ slice: inout Slice) -> Event {
        while !slice.isOver {
            if process != nil {
                do throws(OpenSockets.Obstacle) {
                    if let sighting = try look(&slice) { return .seen(sighting) }
                } catch {
                    if error.isShortage { return fail(error.reason) }
                    if !isAmongOthers { obstacle = obstacle ?? error.reason }
                }
            } else if let pid = pids.popLast() {
                process = OpenSockets(pid)
            } else if !seen.isEmpty {
                defer { seen = [] }
                wanted.subtract(seen)
                return .settled(seen)
            } else if !wanted.isEmpty, let place = places.popLast() {
                do throws(SystemCallError) { try go(to: place, &slice) } catch {
                    return fail(ProcessFolder.Unknown(error, reading: "/proc"))
                }
            } else {
                return .over(
                    obstacle
                        ?? ProcessFolder.Unknown(
                            "no process was found that has the socket: it has ended, or /proc hides it"))
            }
        }
        return .paused
    }

    private mutating func look(_ slice: inout Slice) throws(OpenSockets.Obstacle) -> OpenSockets.Sighting? {
        var isOver = true
        defer { if isOver { process = nil } }
        guard let sighting = try process?.goOn(wanted, &slice, isOver: &isOver) else { return nil }
        slice.spend(sighting.sockets.count)
        seen.formUnion(sighting.sockets.keys)
        return sighting
    }

    private mutating func go(to place: Place, _ slice: inout Slice) throws(SystemCallError) {
        switch place {
        case .members(let paths):
            pids = Array(Set(paths.flatMap(groups.processes)))
            slice.spend(paths.count * 20 + pids.count)
        case .known(let known): pids = known
        case .list(let position):
            if let next = try list(from: position, &slice) { places.append(.list(from: next)) }
        case .own: swap(&pids, &own)
        case .others:
            isAmongOthers = true
            swap(&pids, &others)
        }
    }

    /// - Returns: Where to go on.
    private mutating func list(from position: Int, _ slice: inout Slice) throws(SystemCallError) -> Int? {
        var entries = try FolderEntries("/proc", from: position)
        while let entry = try entries.next() {
            slice.spend(1)
            if let name = entry.name, let pid = Int32(name) {
                slice.spend(3)
                let owner = try? FileAccess.facts("/proc/\(name)", followingLinks: false).ownership.owner
                if owner == uid { own.append(pid) } else { others.append(pid) }
            }
            if slice.isOver { return entry.next }
        }
        return nil
    }

    /// Who was not looked at may have any of them.
    private mutating func fail(_ reason: ProcessFolder.Unknown) -> Event {
        (process, pids, places, seen, wanted) = (nil, [], [], [], [])
        return .over(reason)
    }
}
