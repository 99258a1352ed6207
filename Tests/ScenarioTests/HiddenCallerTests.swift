import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    /// What a Heddle knows of its callers that sees less of this host, in each protocol at each kind of listener.
    @Suite(
        .enabled(
            if: geteuid() == 0 && ["setpriv", "curl", "unshare", "nsenter"].allSatisfy(Tool.exists),
            "only root can be several users, with setpriv, curl, unshare and nsenter"))
    struct `Who calls a Heddle that sees less of the host` {
        private let host: LocalHost

        init() throws { host = try LocalHost() }

        /// What keeps it from looking.
        enum Obstacle: String, CaseIterable, Sendable {
            case capability = "no CAP_SYS_PTRACE"
            case hidden = "no CAP_SYS_PTRACE, and a /proc that hides others' processes"
            case number = "processes of its own, of which its callers are none"

            /// What starts it so.
            var command: [String] {
                let unable = ["setpriv", "--bounding-set", "-sys_ptrace"]
                return switch self {
                case .capability: unable
                case .hidden: `Who calls a Heddle that sees less of the host`.hidden + unable
                case .number: ["unshare", "-p", "-f", "--kill-child", "--mount-proc"]
                }
            }
        }

        /// Members of a group see all of it: of group 0, where none is named.
        private static let hidden = [
            "unshare", "-m", "sh", "-c", "mount -t proc -o hidepid=2,gid=60001 proc /proc && exec \"$@\"", "sh",
        ]

        private func expect(
            _ isWorkload: Bool, _ place: LocalHost.Way.Place, as user: UInt32 = 4001, group: UInt32 = 65_534,
            within: [String]? = nil, through: [String] = [], _ heddle: HeddleProcess
        ) throws {
            // It sees the mounts that Heddle sees: they are in nobody's way.
            let within = within ?? ["nsenter", "-t", "\(heddle.process.id)", "-m"]
            for way in LocalHost.Way.all where way.place == place {
                let outcome = try host.outcome(way, as: user, group: group, within: within, through: through)
                #expect(outcome == way.outcome(isWorkload: isWorkload), "\(way): \(heddle.errors.suffix(2_000))")
            }
        }

        @Test(arguments: Obstacle.allCases, LocalHost.Way.Place.allCases)
        func `knows users, and nobody by what it cannot see`(obstacle: Obstacle, place: LocalHost.Way.Place) throws {
            let path = try host.program()
            try host.write("[{unix: {uid: 4001, path: '\(path)'}}]", place)
            let heddle = try HeddleProcess.serving(host.folder, node: "here", through: obstacle.command)
            try expect(false, place, heddle)
            if obstacle == .hidden { try heddle.wait("told") { heddle.errors.contains("/proc hides it") } }
            let digest = try Tool.run("sha256sum", [path], in: host.folder).output.prefix(64)
            try heddle.serve { try host.write("[{unix: {uid: 4001, sha256: '\(digest)'}}]", place) }
            try expect(false, place, heddle)
            try heddle.serve { try host.write("[{unix: {uid: 4001}}]", place) }
            try expect(true, place, heddle)
            try expect(false, place, as: 4002, heddle)
            // Over a Unix socket the kernel says it by itself.
            try heddle.serve { try host.write("[{unix: {uid: 4001, gid: 4003}}]", place) }
            try expect(place == .socket, place, group: 4003, heddle)
            try expect(false, place, heddle)
        }

        @Test(arguments: LocalHost.Way.Place.allCases)
        func `with CAP_SYS_PTRACE sees what /proc hides from others`(place: LocalHost.Way.Place) throws {
            try host.write("[{unix: {uid: 4001, path: '\(try host.program())'}}]", place)
            let heddle = try HeddleProcess.serving(host.folder, node: "here", through: Self.hidden)
            try expect(true, place, heddle)
            try expect(false, place, as: 4002, heddle)
        }

        /// Whom its user namespace does not have the kernel calls 65534, all of them.
        @Test(arguments: LocalHost.Way.Place.allCases)
        func `in a user namespace takes nobody for the one whose number others have there`(
            place: LocalHost.Way.Place
        ) throws {
            let map = """
                ( own=$(readlink /proc/self/ns/user); until [ "$(readlink /proc/$$/ns/user)" != "$own" ]; do :; done
                echo "0 0 60000" > /proc/$$/uid_map; echo "0 0 60000" > /proc/$$/gid_map ) &
                exec unshare -U sh -c 'until grep -q . /proc/self/gid_map; do :; done; exec "$@"' sh "$@"
                """
            try host.write("[{unix: {uid: 65534}}, {unix: {uid: 4001, gid: 65534}}, {unix: {uid: 4002}}]", place)
            let heddle = try HeddleProcess.serving(host.folder, node: "here", through: ["sh", "-c", map, "sh"])
            try expect(false, place, as: 61_000, group: 4003, heddle)
            try expect(false, place, as: 4001, group: 61_000, heddle)
            try expect(true, place, as: 4002, heddle)
        }

        // MARK: Control groups

        /// As a service manager has them, in a hierarchy of this test's own.
        @Test(
            .enabled(if: ControlGroup.canBeMade, "no control group of version 2 can be made here"),
            arguments: LocalHost.Way.Place.allCases)
        func `takes a unit of a user's own manager for none of the system's`(place: LocalHost.Way.Place) throws {
            let root = try ControlGroup()
            let system = try root.below("system.slice/web.service")
            func own(_ user: Int) throws -> ControlGroup {
                try root.below("user.slice/user-\(user).slice/user@\(user).service/app.slice/web.service")
            }
            let (users, others) = (try own(4001), try own(4002))
            let mount = ControlGroup.mount
            let script = "echo $$ > '\(root.folder)/cgroup.procs' && exec unshare -m -C sh -c \"$0\" sh \"$@\""
            let mounting = "umount -l '\(mount)' && mount -t cgroup2 none '\(mount)' && exec \"$@\""
            try host.write("[{systemd: {unit: web.service}}]", place)
            let heddle = try HeddleProcess.serving(
                host.folder, node: "here", through: ["sh", "-c", script, mounting])
            // It is in the one that all are below.
            defer {
                heddle.kill()
                withExtendedLifetime(root) {}
            }
            func expect(_ isWorkload: Bool, in group: ControlGroup, as user: UInt32) throws {
                try self.expect(isWorkload, place, as: user, within: group.command, heddle)
            }
            try expect(true, in: system, as: 4001)
            try expect(true, in: system, as: 4002)
            try expect(false, in: users, as: 4001)
            // With a user it is that user's, too: in his own manager.
            try heddle.serve { try host.write("[{systemd: {unit: web.service}, unix: {uid: 4001}}]", place) }
            try expect(true, in: system, as: 4001)
            try expect(true, in: users, as: 4001)
            try expect(false, in: users, as: 4002)
            try expect(false, in: others, as: 4001)
            try expect(false, in: others, as: 4002)
        }

        // MARK: What heddle exec has started

        @Test(arguments: LocalHost.Way.Place.allCases)
        func `knows what was started as the workload, and what that has started in turn`(
            place: LocalHost.Way.Place
        ) throws {
            try host.write("[{exec: {}}]", place)
            let heddle = try HeddleProcess.serving(host.folder, node: "here")
            let exec = [Heddle.path, "exec", "--as", "shop/caller", "--socket", "unix:\(host.socket)-exec", "--"]
            try expect(true, place, as: 0, through: exec, heddle)
            try expect(ControlGroup.canBeMade, place, as: 0, through: exec + ["setsid", "-f", "-w"], heddle)
            try expect(false, place, as: 0, heddle)
            // Who may not start it is nobody, and nothing is started.
            for way in LocalHost.Way.all where way.place == place {
                #expect(try host.outcome(way, as: 4001, through: exec) == "")
            }
        }
    }
}
