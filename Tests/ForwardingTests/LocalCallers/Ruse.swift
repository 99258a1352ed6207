import Testing

/// What a process may do between connecting and being looked at, and what its call comes to then. Each has its line in the table of
/// [kinds.md](../../../docs/reference/kinds.md#what-becomes-of-a-caller).
struct Ruse: Sendable, CustomTestStringConvertible {
    let name: String
    var selectors = Self.program
    /// As whom it starts.
    var user = LocalCaller.user
    var group: UInt32 = 65_534
    /// What starts it.
    var through: [String] = []
    /// It executes a file of its own, which is not the workload's.
    var isAnother = false
    /// In terms of `LocalCaller.prelude`; its second argument is the path of another program. It says `done` when it can be called by.
    var script = "connection = connect()\nsay('done')\npass_on(connection)"
    /// Of a call over TCP, and over a Unix socket.
    let comesTo: (tcp: LocalConversation.Outcome, unix: LocalConversation.Outcome)

    var testDescription: String { name }

    func outcome(_ way: LocalWay) -> LocalConversation.Outcome { way.isUnixSocket ? comesTo.unix : comesTo.tcp }

    static let account = "[{unix: {uid: \(LocalCaller.user)}}]"
    static let program = "[{unix: {uid: \(LocalCaller.user), path: '\(LocalCaller.program)'}}]"
    static let digest = "[{unix: {uid: \(LocalCaller.user), sha256: '\(LocalCaller.digest)'}}]"
    static let member = "[{unix: {uid: \(LocalCaller.user), gid: 4003}}]"

    private static let talk = "\nsay('done')\npass_on(connection)"
    /// What another process goes on with; its parent waits for it.
    private static func child(_ script: String) -> String {
        "connection = connect()\nif os.fork():\n    os.wait()\n    os._exit(0)\n" + script
    }
    /// The same, whose parent ends first.
    private static let orphan = """
        connection = connect()
        parent = os.getpid()
        if os.fork(): os._exit(0)
        while os.getppid() == parent: os.sched_yield()
        """ + talk
    private static func unshared(_ flag: String, _ script: String = "") -> String {
        "import ctypes\nassert ctypes.CDLL(None).unshare(\(flag)) == 0\n" + script + "\nconnection = connect()" + talk
    }
    private static let preloaded = "assert 'libresolv' in open('/proc/self/maps').read()\nconnection = connect()" + talk
    private static let preload = ["/usr/bin/env", "LD_PRELOAD=libresolv.so.2"]

    /// Nothing of it makes a workload of anybody else.
    static let all =
        [
            Ruse(name: "nothing, as the workload", comesTo: (.workload, .workload)),
            Ruse(name: "nothing, as another user", user: LocalCaller.stranger, comesTo: (.nobody, .nobody)),
            Ruse(name: "nothing, with another program", isAnother: true, comesTo: (.nobody, .nobody)),
        ] + users + programs + processes + namespaces

    private static let users = [
        Ruse(
            name: "root becomes the workload's user", selectors: account, user: 0,
            script: "connection = connect()\nbecome(4001)" + talk, comesTo: (.nobody, .nobody)),
        Ruse(
            name: "another user becomes the workload's", user: LocalCaller.stranger,
            script: "connection = connect()\nbecome(4001)" + talk, comesTo: (.nobody, .nobody)),
        Ruse(
            name: "the workload's user becomes another", script: "connection = connect()\nbecome(4002)" + talk,
            comesTo: (.workload, .workload)),
        Ruse(
            name: "becomes another user, and then connects", script: "become(4002)\nconnection = connect()" + talk,
            comesTo: (.nobody, .nobody)),
        Ruse(
            name: "takes the workload's group", selectors: member,
            script: "connection = connect()\nact_as(4003)" + talk, comesTo: (.nobody, .nobody)),
        Ruse(
            name: "leaves the workload's group", selectors: member, group: 4003,
            script: "connection = connect()\nact_as(65534)" + talk, comesTo: (.workload, .workload)),
    ]

    private static let programs = [
        Ruse(
            name: "executes another program", script: "execute(sys.argv[2], connect(), '''\(talk)''')",
            comesTo: (.nobody, .nobody)),
        Ruse(
            name: "another program executes the workload's", isAnother: true,
            script: "execute('\(LocalCaller.program)', connect(), '''\(talk)''')", comesTo: (.workload, .workload)),
        Ruse(
            name: "another user preloads a library into the program", user: LocalCaller.stranger, through: preload,
            script: preloaded, comesTo: (.nobody, .nobody)),
        Ruse(
            name: "the workload's user preloads a library into it", through: preload, script: preloaded,
            comesTo: (.workload, .workload)),
    ]

    private static let processes = [
        Ruse(name: "forks, and the child calls", script: child(talk), comesTo: (.workload, .workload)),
        Ruse(
            name: "forks, and the child executes another program",
            script: child("execute(sys.argv[2], connection, '''\(talk)''')"), comesTo: (.nobody, .workload)),
        Ruse(
            name: "forks, and executes another program itself",
            script: """
                connection = connect()
                executed, executes = os.pipe()
                if os.fork(): execute(sys.argv[2], connection, "os.wait()")
                os.close(executes)
                os.read(executed, 1)
                """ + talk, comesTo: (.nobody, .nobody)),
        Ruse(name: "ends, and leaves its socket to a child", script: orphan, comesTo: (.workload, .nobody)),
        Ruse(
            name: "ends, and leaves its socket to a child; its user is enough", selectors: account, script: orphan,
            comesTo: (.workload, .workload)),
        Ruse(
            name: "hands its socket to another user's process",
            script: """
                here, there = socket.socketpair()
                if os.fork():
                    connection = connect()
                    give(here, connection)
                    os.wait()
                    os._exit(0)
                become(4002)
                connection = take(there)
                """ + talk, comesTo: (.workload, .workload)),
        Ruse(
            name: "takes another user's socket", selectors: account,
            script: """
                here, there = socket.socketpair()
                if os.fork() == 0:
                    become(4002)
                    give(there, connect())
                    os._exit(0)
                connection = take(here)
                os.wait()
                """ + talk, comesTo: (.nobody, .nobody)),
    ]

    private static let namespaces = [
        Ruse(
            name: "sees mounts of its own", through: ["/usr/bin/unshare", "-m"], comesTo: (.nobody, .nobody)),
        Ruse(
            name: "sees mounts of its own; its user is enough", selectors: account,
            through: ["/usr/bin/unshare", "-m"], comesTo: (.workload, .workload)),
        Ruse(
            name: "sees mounts of its own; the bytes of its program are enough", selectors: digest,
            through: ["/usr/bin/unshare", "-m"], comesTo: (.workload, .workload)),
        Ruse(
            name: "sees processes of its own, as a container does",
            through: ["/usr/bin/unshare", "-p", "-f", "--kill-child", "--mount-proc"], comesTo: (.nobody, .nobody)),
        Ruse(
            name: "is numbered in a namespace of its own",
            through: ["/usr/bin/unshare", "-p", "-f", "--kill-child"], comesTo: (.workload, .workload)),
        Ruse(
            name: "is root in a user namespace of its own", selectors: "[{unix: {uid: 0}}]",
            script: unshared(
                "0x10000000", "open('/proc/self/uid_map', 'w').write('0 4001 1')\nassert os.getuid() == 0"),
            comesTo: (.nobody, .nobody)),
        Ruse(
            name: "is in a user namespace of its own, and its user here all the same",
            script: unshared("0x10000000", "open('/proc/self/uid_map', 'w').write('0 4001 1')"),
            comesTo: (.workload, .workload)),
    ]
}
