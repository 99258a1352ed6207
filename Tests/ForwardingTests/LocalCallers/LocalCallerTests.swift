import Foundation
import Glibc
import TestSupport
import Testing

@testable import Forwarding

/// Whatever a process does, it is the workload where the reference says so, and nowhere else: in each protocol, at each kind of listener.
@Suite(.enabled(if: LocalCaller.canBeStarted, "only root can be several users, with python3, setpriv and unshare"))
struct LocalCallerTests {
    @Test(arguments: Ruse.all, LocalWay.all)
    func `what a process does before it is looked at makes nobody else of it`(ruse: Ruse, way: LocalWay) async throws {
        let folder = try CallerFolder()
        let needsAnother = ruse.isAnother || ruse.script.contains("argv[2]")
        let other = needsAnother ? try folder.copy("other") : "/usr/bin/other"
        let world = try await LocalWorld(way, ruse.selectors)
        var started: LocalCaller?
        try await world.whileNobodyLooks {
            started = try LocalCaller(
                at: world.place, as: ruse.user, group: ruse.group, through: ruse.through,
                program: ruse.isAnother ? other : LocalCaller.program, ruse.script, [other])
            try started?.hasCome(to: "done")
        }
        let caller = try #require(started)
        let expected = ruse.outcome(way)
        #expect(LocalConversation(way.speech, over: caller.connection).call() == expected)
        #expect(await world.refusals == (expected == .nobody ? 1 : 0))
        #expect(world.backend.requests.isEmpty == (expected == .nobody))
        caller.end()
        await world.stop()
    }

    @Test(arguments: LocalWay.all.filter(\.isUnixSocket))
    func `a process of another network is known at a Unix socket`(way: LocalWay) async throws {
        let world = try await LocalWorld(way, Ruse.program)
        for (user, expected) in [
            (LocalCaller.user, LocalConversation.Outcome.workload), (LocalCaller.stranger, .nobody),
        ] {
            let caller = try LocalCaller(at: world.place, as: user, through: ["/usr/bin/unshare", "-n"])
            #expect(LocalConversation(way.speech, over: caller.connection).call() == expected)
        }
        await world.stop()
    }

    /// Calls, and calls on when it has done something.
    private static func calling(and act: String) -> String {
        """
        talk = "say('done')\\npass_on(connection)"
        connection = connect()
        pass_on(connection)
        \(act)
        exec(talk)
        """
    }

    /// What was found out holds as long as the connection does; what has to be found out is so of then.
    @Test(arguments: LocalWay.all, ["become(4002)", "execute(sys.argv[2], connection, talk)"])
    func `who has called is the same to the end of the connection`(way: LocalWay, act: String) async throws {
        let folder = try CallerFolder()
        let world = try await LocalWorld(way, Ruse.program)
        let caller = try LocalCaller(
            at: world.place, Self.calling(and: act), [try folder.copy("other")])
        let conversation = LocalConversation(way.speech, over: caller.connection)
        #expect(conversation.call() == .workload)
        try caller.goOn(to: "done")
        #expect(conversation.call() == .workload)
        await world.stop()
    }

    @Test(arguments: LocalWay.all)
    func `what selectors ask for later is found out then`(way: LocalWay) async throws {
        let folder = try CallerFolder()
        let world = try await LocalWorld(way, Ruse.account)
        let caller = try LocalCaller(
            at: world.place, Self.calling(and: "execute(sys.argv[2], connection, talk)"), [try folder.copy("other")])
        let conversation = LocalConversation(way.speech, over: caller.connection)
        #expect(conversation.call() == .workload)
        try caller.goOn(to: "done")
        try await world.serve(Ruse.program)
        // A stream that is there goes on until it is known.
        if way.speech == .tcp { #expect(conversation.isCut()) } else { #expect(conversation.call() == .nobody) }
        await world.stop()
    }

    @Test(arguments: LocalWay.all)
    func `a binary that was replaced under its process is no more the one at its path, and has its bytes`(
        way: LocalWay
    ) async throws {
        let folder = try CallerFolder()
        let (program, other) = (try folder.copy("program"), try folder.copy("other"))
        let digest = try OpenSSLCommand().run("dgst", "-sha256", "-r", program).output.prefix(64)
        // What is beyond its end is not executed.
        #expect(try LocalCaller.run(["/bin/sh", "-c", "echo another >> \(other)"]) == 0)
        let user = "uid: \(LocalCaller.user)"
        let world = try await LocalWorld(way, "[{unix: {\(user), path: '\(program)'}}]")
        let before = try LocalCaller(at: world.place, program: program)
        #expect(LocalConversation(way.speech, over: before.connection).call() == .workload)
        let caller = try LocalCaller(
            at: world.place, program: program,
            "say('begun')\nwait()\nconnection = connect()\nsay('done')\npass_on(connection)")
        try caller.hasCome(to: "begun")
        #expect(unsafe rename(other, program) == 0)
        try caller.goOn(to: "done")
        #expect(LocalConversation(way.speech, over: caller.connection).call() == .nobody)
        try await world.serve("[{unix: {\(user), sha256: '\(digest)'}}]")
        let after = try LocalCaller(at: world.place, program: program)
        #expect(LocalConversation(way.speech, over: after.connection).call() == .nobody)
        let again = try LocalCaller(at: world.place, program: LocalCaller.program)
        #expect(LocalConversation(way.speech, over: again.connection).call() == .workload)
        await world.stop()
    }

    // MARK: Ends while it is asked who it is

    @Test(arguments: LocalWay.all, [true, false])
    func `a call whose process has ended meanwhile reaches nobody`(way: LocalWay, isLookedAt: Bool) async throws {
        let world = try await LocalWorld(way, Ruse.program)
        let script = "connection = connect()\npass_on(connection)\nsay('done')\npass_on(connection)"
        func ask() throws {
            let caller = try LocalCaller(at: world.place, script)
            LocalConversation(way.speech, over: caller.connection).ask()
            try caller.goOn(to: "done")
            caller.end()
        }
        if isLookedAt {
            let attestor = try HeldAttestor(of: world.mesh)
            try ask()
            #expect(await world.mesh.comesToRest())
            attestor.letGo()
        } else {
            try await world.whileNobodyLooks(ask)
        }
        #expect(await world.mesh.comesToRest())
        #expect(world.backend.requests.isEmpty)
        await world.stop()
    }

    @Test(arguments: LocalWay.all)
    func `a call whose process ends while it is looked for is its child's over TCP, and nobody's over a Unix socket`(
        way: LocalWay
    ) async throws {
        let world = try await LocalWorld(way, Ruse.program)
        let attestor = try HeldAttestor(of: world.mesh)
        let caller = try LocalCaller(
            at: world.place,
            """
            connection = connect()
            parent = os.getpid()
            if os.fork():
                pass_on(connection)
                os._exit(0)
            while os.getppid() == parent: os.sched_yield()
            say('done')
            pass_on(connection)
            """)
        let conversation = LocalConversation(way.speech, over: caller.connection)
        conversation.ask()
        #expect(await world.mesh.comesToRest())
        try caller.goOn(to: "done")
        attestor.letGo()
        #expect(conversation.hear() == (way.isUnixSocket ? .nobody : .workload))
        await world.stop()
    }

    @Test(arguments: LocalWay.all, [true, false])
    func `a call that waits until it is known whose it is is judged by the selectors of then`(
        way: LocalWay, stays: Bool
    ) async throws {
        let world = try await LocalWorld(way, Ruse.program)
        let attestor = try HeldAttestor(of: world.mesh)
        let caller = try LocalCaller(at: world.place)
        let conversation = LocalConversation(way.speech, over: caller.connection)
        conversation.ask()
        #expect(await world.mesh.comesToRest())
        #expect(world.backend.requests.isEmpty)
        try await world.serve(stays ? Ruse.account : "[{unix: {uid: \(LocalCaller.stranger)}}]")
        attestor.letGo()
        #expect(conversation.hear() == (stays ? .workload : .nobody))
        await world.stop()
    }

    // MARK: Others' processes

    @Test(
        arguments: LocalWay.all,
        [(LocalCaller.user, LocalConversation.Outcome.workload), (LocalCaller.stranger, .nobody)])
    func `who calls through a local relay is the relay`(
        way: LocalWay, relay: (user: UInt32, comesTo: LocalConversation.Outcome)
    ) async throws {
        let world = try await LocalWorld(way, Ruse.account)
        let between = try LocalCaller(
            at: world.place, as: relay.user,
            """
            server = socket.create_server(("127.0.0.1", 0))
            say(str(server.getsockname()[1]))
            test = server.accept()[0]
            pass_on(connect())
            """)
        let behind = relay.user == LocalCaller.user ? LocalCaller.stranger : LocalCaller.user
        let caller = try LocalCaller(at: between.line(), as: behind)
        #expect(LocalConversation(way.speech, over: caller.connection).call() == relay.comesTo)
        await world.stop()
    }

    @Test(arguments: LocalWay.all.filter(\.isHost))
    func `a process that two workloads match is neither`(way: LocalWay) async throws {
        let both = try await LocalWorld(way, Ruse.account, other: Ruse.program)
        let caller = try LocalCaller(at: both.place)
        let conversation = LocalConversation(way.speech, over: caller.connection)
        #expect(conversation.call() == .nobody)
        await both.stop()
        let one = try await LocalWorld(way, Ruse.account, other: "[{unix: {uid: \(LocalCaller.stranger)}}]")
        let alone = try LocalCaller(at: one.place)
        #expect(LocalConversation(way.speech, over: alone.connection).call() == .workload)
        await one.stop()
    }

    /// A program of another group is anybody's to start, with whatever he has open, while his own copy is in no process's table.
    @Test(arguments: LocalWay.all)
    func `who leaves his socket to a program of another group is not in that group`(way: LocalWay) async throws {
        let folder = try CallerFolder()
        let program = try folder.copy("sleep", of: "/bin/sleep")
        #expect(unsafe chown(program, 0, 4003) == 0 && chmod(program, 0o2755) == 0)
        let world = try await LocalWorld(way, "[{unix: {gid: 4003}}]")
        var started: LocalCaller?
        var conversation: LocalConversation?
        try await world.whileNobodyLooks {
            let caller = try LocalCaller(
                at: world.place,
                """
                connection = connect()
                pass_on(connection)
                os.set_inheritable(connection.fileno(), True)
                here, there = socket.socketpair()
                begun, begins = os.pipe()
                child = os.fork()
                if child == 0:
                    os.closerange(0, 2)
                    os.execv(sys.argv[2], [sys.argv[2], "1000"])
                os.close(begins)
                os.read(begun, 1)
                give(here, connection)
                connection.close()
                say('hidden')
                wait()
                os.kill(child, 9)
                connection = take(there)
                say('done')
                pass_on(connection)
                """, [program])
            conversation = LocalConversation(way.speech, over: caller.connection)
            conversation?.ask()
            try caller.goOn(to: "hidden")
            started = caller
        }
        let caller = try #require(started)
        #expect(await Poll.until { await world.refusals == 1 })
        try caller.goOn(to: "done")
        #expect(conversation?.hear() == .nobody)
        #expect(world.backend.requests.isEmpty)
        // Who is in it when he connects is the workload.
        let member = try LocalCaller(at: world.place, as: LocalCaller.stranger, group: 4003)
        #expect(LocalConversation(way.speech, over: member.connection).call() == .workload)
        await world.stop()
    }
}
