import ArgumentParser
import ConfigValues
import Diagnostics
import EventLoops
import Glibc
import LocalAttestation
import ProgramKeeping
import SystemInterfaces

/// `heddle exec --config`: a program that is started with what configs say, and followed by what they say later.
struct ConfiguredProgram {
    private let options: ExecConfigOptions
    private let mesh: ExecMesh
    private let answer: ExecMesh.Answer
    /// Where the program's words begin.
    private let start: Int
    private let names: [String]

    init(_ options: ExecConfigOptions, _ mesh: ExecMesh, _ answer: ExecMesh.Answer, start: Int) {
        self.options = options
        self.mesh = mesh
        self.answer = answer
        self.start = start
        names = options.fullNames(in: String(mesh.workload.prefix { $0 != "/" }))
    }

    /// Becomes the program, or ends as it ends.
    /// - Returns: Why it was not started.
    func run() throws -> ExitCode {
        let reaction = options.reaction ?? .restart
        // What stays beside the program has it say so itself, each time that it is started.
        if reaction == .none || !answer.isAlone { Output.write(answer.diagnostics, to: STDERR_FILENO) }
        guard let place = answer.outbound else {
            return failure(
                "\(mesh.workload) has no listener to read configs at\nset outbound.listen of the Workload, or of its Node",
                code: 1)
        }
        let inbox = try follow(from: place)
        let values: [ConfigValue]
        do throws(FollowingTrouble) {
            values = try inbox.first(within: options.wait?.value ?? .seconds(60)) { Self.say($0) }
        } catch {
            return failure(error.message, code: error.kind == .refused ? 1 : 4)
        }
        let maker = StartMaker(
            names, prefix: options.prefix ?? "", overrides: options.overrides, words: words,
            isToldOfAll: reaction == .signal, say: Self.say)
        let first: ProgramStart
        do throws(InvalidVariables) {
            first = try maker.make(values)
        } catch {
            return failure(error.description, code: 1)
        }
        guard reaction != .none else {
            Self.take(first.environment)
            return Exec.become(start)
        }
        let settings = ProgramKeeper.Settings(
            words: answer.isAlone ? ownWords + words : words,
            reaction: reaction == .restart ? .restart : .signal(options.signal?.number ?? SIGHUP),
            grace: options.grace?.value ?? .seconds(10), defaults: StandardStreams.quietened, group: StartedGroup())
        var keeper = ProgramKeeper(
            settings, first, inbox, make: { values throws(InvalidVariables) in try maker.make(values) }, tell: Self.say)
        keeper.run(first).become()
    }

    private func follow(from place: NetworkAddress) throws -> ConfigInbox {
        do throws(SystemCallError) {
            let inbox = try ConfigInbox(count: names.count)
            for (index, name) in names.enumerated() {
                let mesh = mesh
                let follower = ConfigFollower(name) { () throws(FollowingTrouble) in try mesh.place() }
                try follower.start(at: place) { news in inbox.take(news, of: index) }
            }
            return inbox
        } catch {
            throw failure("cannot follow configs: \(error.reason)", code: 1)
        }
    }

    private var words: [[UInt8]] {
        var words: [[UInt8]] = []
        unsafe CommandArguments.withWords(from: start) { pointers in
            for index in unsafe pointers.indices {
                guard let pointer = unsafe pointers[index] else { continue }
                unsafe words.append(
                    Array(UnsafeBufferPointer(start: pointer, count: strlen(pointer)).map(UInt8.init(bitPattern:))))
            }
        }
        return words
    }

    /// Where this process alone is the workload, the program has to become it by itself, as it would be without any config.
    private var ownWords: [[UInt8]] {
        ["/proc/self/exe", "exec", "--as", mesh.workload, "--socket", "unix:\(mesh.path)", "--"].map { Array($0.utf8) }
    }

    /// What configs add to this process's environment, for a program that it becomes.
    private static func take(_ environment: [[UInt8]]) {
        let own = Set(OwnEnvironment.all)
        for entry in environment where !own.contains(entry) {
            let name = entry.prefix { $0 != UInt8(ascii: "=") }
            unsafe (name + [0]).withUnsafeBytes { name in
                unsafe (entry.dropFirst(name.count) + [0]).withUnsafeBytes { value in
                    _ = unsafe setenv(
                        name.baseAddress!.assumingMemoryBound(to: CChar.self),
                        value.baseAddress!.assumingMemoryBound(to: CChar.self), 1)
                }
            }
        }
    }

    private static func say(_ text: String) { Output.writeError("heddle exec: \(text)\n") }
}

/// Makes of values what a program is started with, and says once of each variable that it is withheld.
private final class StartMaker {
    private let names: [String]
    private let prefix: String
    private let overrides: Bool
    private let words: [[UInt8]]
    /// A program that is told of changes reads values itself: what its environment would be says nothing of them.
    private let isToldOfAll: Bool
    private let say: (String) -> Void
    private var withheld: Set<String> = []

    init(
        _ names: [String], prefix: String, overrides: Bool, words: [[UInt8]], isToldOfAll: Bool,
        say: @escaping (String) -> Void
    ) {
        self.names = names
        self.prefix = prefix
        self.overrides = overrides
        self.words = words
        self.isToldOfAll = isToldOfAll
        self.say = say
    }

    func make(_ values: [ConfigValue]) throws(InvalidVariables) -> ProgramStart {
        let variables = try ConfigVariables(Array(zip(names, values)).map { (name: $0, value: $1) }, prefix: prefix)
        let environment = try ProgramEnvironment(
            own: OwnEnvironment.all, variables, overrides: overrides, arguments: words)
        for variable in environment.withheld where withheld.insert(variable.name).inserted {
            say(
                "warning: \(variable.place) is left out: no config sets \(variable.name), which has programs run what another chose, or "
                    + "call past the mesh\ngive all a name of their own with --prefix")
        }
        return ProgramStart(
            environment: environment.entries, key: isToldOfAll ? variables.all.map(\.entry) : environment.entries)
    }
}
