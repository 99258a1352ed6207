import Foundation
import Glibc
import TestSupport

/// A process of some user's that connects to a listener, and says there what the test says: all that goes over `connection` goes through
/// it. What else it does is a few lines of Python.
///
/// SAFETY: `@unchecked Sendable`: one test uses it.
final class LocalCaller: @unchecked Sendable {
    /// What the mesh's listener hears, and says.
    let connection: RawConnection
    /// Where it is told to go on, and says how far it is.
    private let control: RawConnection
    private let pid: pid_t
    private var hasEnded = false

    /// Whom only root can start, as a program that can do what is asked of it here.
    static let canBeStarted =
        geteuid() == 0
        && ["/usr/bin/python3", "/usr/bin/setpriv", "/usr/bin/unshare"].allSatisfy {
            (path: String) in unsafe access(path, X_OK) == 0
        }
    /// What it executes, where links lead to.
    static let program = URL(fileURLWithPath: "/usr/bin/python3").resolvingSymlinksInPath().path
    static let digest = (try? OpenSSLCommand().run("dgst", "-sha256", "-r", program).output.prefix(64)) ?? "none"
    static let user: UInt32 = 4001
    static let stranger: UInt32 = 4002

    /// - Parameters:
    ///   - place: Where it connects to: a port, or the path of a Unix socket.
    ///   - through: What starts it, and is it afterwards.
    ///   - script: What it does, in terms of `prelude`, which it has as `CALLER`; its arguments are `place` and `arguments`.
    init(
        at place: String, as user: UInt32 = user, group: UInt32 = 65_534, through command: [String] = [],
        program: String = program, _ script: String = "pass_on(connect())", _ arguments: [String] = []
    ) throws {
        let (data, control) = (try Self.pair(), try Self.pair())
        connection = RawConnection(descriptor: data.own)
        self.control = RawConnection(descriptor: control.own)
        let words =
            command
            + [
                "/usr/bin/setpriv", "--reuid", "\(user)", "--regid", "\(group)", "--clear-groups", "--inh-caps",
                "+setuid,+setgid", "--ambient-caps", "+setuid,+setgid", program, "-S", "-B", "-c",
                Self.prelude + script, place,
            ] + arguments
        defer { for end in [data.child, control.child] { close(end) } }
        pid = try Self.start(
            words, ["CALLER=\(Self.prelude)", "PYTHONHOME=/usr", "PATH=/usr/bin:/bin"], [data.child, control.child])
    }

    /// - Parameter descriptors: What it has as its first ones.
    private static func start(_ words: [String], _ environment: [String], _ descriptors: [CInt]) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, descriptor) in descriptors.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, CInt(number))
        }
        var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        var variables = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer {
            for index in unsafe arguments.indices { unsafe free(arguments[index]) }
            for index in unsafe variables.indices { unsafe free(variables[index]) }
        }
        var pid: pid_t = 0
        let error = unsafe posix_spawn(&pid, words[0], &actions, nil, &arguments, &variables)
        guard error == 0 else { throw SetUpError("cannot start \(words[0]): errno \(error)") }
        return pid
    }

    /// Runs a program to its end.
    static func run(_ words: [String]) throws -> CInt {
        var status: CInt = 0
        _ = unsafe waitpid(try start(words, [], []), &status, 0)
        return status
    }

    deinit { end() }

    /// It ends, and all that it has started: that ends where nobody is at the other side any more.
    func end() {
        guard !hasEnded else { return }
        hasEnded = true
        connection.endOutput()
        // What this process blocks, its children block, too.
        kill(pid, SIGKILL)
        _ = waitpid(pid, nil, 0)
    }

    /// - Returns: The next line that it says.
    func line() -> String { String(control.receive(through: "\n").dropLast()) }

    /// Waits until it has come so far.
    func hasCome(to point: String) throws {
        let line = line()
        guard line == point else { throw SetUpError("not \(point): \(line.debugDescription)") }
    }

    /// It goes on to its next step.
    func goOn() { control.send("\n") }

    /// The same, and waits until it has done that.
    func goOn(to point: String) throws {
        goOn()
        try hasCome(to: point)
    }

    private static func pair() throws -> (own: CInt, child: CInt) {
        var ends: [CInt] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw SetUpError("socketpair: errno \(errno)")
        }
        return (ends[0], ends[1])
    }

    /// `test` is the test's own connection, `connection` one to a listener.
    static let prelude = """
        import array, os, select, socket, sys
        test, control = socket.socket(fileno=0), socket.socket(fileno=1)
        def say(point): control.sendall(point.encode() + b"\\n")
        def wait():
            if not control.recv(1): os._exit(0)
        def connect():
            place = sys.argv[1]
            if place.startswith("/"):
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(place)
                return connection
            return socket.create_connection(("127.0.0.1", int(place)))
        def pass_on(connection):
            # Until it is told to go on; the bytes that are there go first.
            while True:
                ready = select.select([test, connection, control], [], [])[0]
                for side, other in ((test, connection), (connection, test)):
                    if side not in ready: continue
                    try:
                        data = side.recv(65536)
                        if data: other.sendall(data)
                    except OSError: data = b""
                    if not data: os._exit(0)
                if control in ready: return wait()
        def become(user): os.setresuid(user, user, user)
        def act_as(group): os.setresgid(group, group, group)
        def execute(program, connection, script):
            os.set_inheritable(connection.fileno(), True)
            before = f"connection = socket.socket(fileno={connection.fileno()})\\n"
            os.execv(program, [program, "-S", "-B", "-c", os.environ["CALLER"] + before + script] + sys.argv[1:])
        def give(way, connection):
            way.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [connection.fileno()]))])
        def take(way):
            rights = array.array("i")
            rights.frombytes(way.recvmsg(1, socket.CMSG_SPACE(4))[1][0][2])
            return socket.socket(fileno=rights[0])

        """
}

/// Programs that callers execute, where all may: copies of one that is everybody's.
final class CallerFolder {
    private let path = "/tmp/heddle-callers-\(UInt32.random(in: .min ... .max))"

    init() throws {
        guard unsafe mkdir(path, 0o755) == 0 else { throw SetUpError("mkdir \(path): errno \(errno)") }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The path of a copy.
    func copy(_ name: String, of program: String = LocalCaller.program) throws -> String {
        let copy = "\(path)/\(name)"
        // By a process of its own: what this one has open to write to, programs that start meanwhile have open, too (ETXTBSY).
        guard try LocalCaller.run(["/bin/cp", "--remove-destination", program, copy]) == 0 else {
            throw SetUpError("cannot copy \(program)")
        }
        return copy
    }
}
