import ArgumentParser
import Glibc
import Manifests

/// What becomes of a program when a config that it was started with changes.
enum ChangeReaction: String, ExpressibleByArgument, CaseIterable {
    case restart, signal, none
}

/// `HUP`, `SIGHUP`, `1`.
struct SignalName: ExpressibleByArgument {
    let number: CInt

    private static let names: [(name: String, number: CInt)] = [
        ("HUP", SIGHUP), ("INT", SIGINT), ("QUIT", SIGQUIT), ("USR1", SIGUSR1), ("USR2", SIGUSR2), ("ALRM", SIGALRM),
        ("TERM", SIGTERM), ("CONT", SIGCONT), ("WINCH", SIGWINCH),
    ]

    init?(argument: String) {
        let name = argument.hasPrefix("SIG") ? String(argument.dropFirst(3)) : argument
        let digits = argument.utf8.allSatisfy { (0x30...0x39).contains($0) } ? CInt(argument) : nil
        guard let number = Self.names.first(where: { $0.name == name })?.number ?? digits, (1...64).contains(number)
        else { return nil }
        self.number = number
    }

    static let allValueStrings = names.map(\.name)
}

/// `30s`, `2m`, as manifests write it.
struct WrittenDuration: ExpressibleByArgument {
    let value: Duration

    init?(argument: String) {
        guard let value = Duration(manifest: argument), value <= .seconds(86_400) else { return nil }
        self.value = value
    }

    init(_ value: Duration) { self.value = value }

    var defaultValueDescription: String { value.manifestText }
}

/// `heddle exec --config`: which values a program is started with, and what becomes of it when they change.
struct ExecConfigOptions: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "A Config whose values the program finds in its environment: a name, of the workload's namespace, or namespace/name. May be there several times.",
            valueName: "name"))
    var names: [String] = []

    @Option(help: ArgumentHelp("What the names of these variables begin with: APP_.", valueName: "text"))
    var prefix: String?

    @Flag(name: .customLong("override"), help: "Values are over what is in the environment already.")
    var overrides = false

    @Option(
        name: .customLong("on-change"),
        help: "What becomes of the program when values change: it is started anew, gets a signal, or nothing.")
    var reaction: ChangeReaction?

    @Option(help: ArgumentHelp("The signal that it gets. Default: HUP.", valueName: "name"))
    var signal: SignalName?

    @Option(
        help: ArgumentHelp("How long the first values may take: 30s, 2m. Default: 60s.", valueName: "duration"))
    var wait: WrittenDuration?

    @Option(
        help: ArgumentHelp(
            "How long a program that is started anew may take to end: 500ms, 1m. Default: 10s.", valueName: "duration"))
    var grace: WrittenDuration?

    /// Options that a word follows.
    static let valued = ["--config", "--prefix", "--on-change", "--signal", "--wait", "--grace"]

    func validate() throws {
        guard !names.isEmpty else {
            let isIdle =
                prefix == nil && !overrides && reaction == nil && signal == nil && wait == nil && grace == nil
            guard isIdle else { throw ValidationError("Name a Config with --config, or leave out what is for one.") }
            return
        }
        if let prefix, !Self.isName(prefix) {
            throw ValidationError(
                "A name of a variable begins with a letter or _, and has digits besides: --prefix APP_.")
        }
        if signal != nil, reaction != .signal {
            throw ValidationError("--signal is for --on-change signal.")
        }
        if grace != nil, reaction == .signal || reaction == ChangeReaction.none {
            throw ValidationError("--grace is for --on-change restart.")
        }
        for name in names where Self.full(name, in: "namespace") == nil {
            throw ValidationError("'\(name)' is no name of a Config: write a name or namespace/name.")
        }
        let twice = Dictionary(grouping: names) { $0 }.first { $0.value.count > 1 }
        if let twice { throw ValidationError("The Config '\(twice.key)' is there twice.") }
    }

    /// `namespace/name` of each.
    func fullNames(in namespace: String) -> [String] { names.compactMap { Self.full($0, in: namespace) } }

    private static func full(_ name: String, in namespace: String) -> String? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isName = parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                        UInt8(ascii: "-"), UInt8(ascii: "."):
                        true
                    default: false
                    }
                } && part != "." && part != ".."
        }
        guard isName, parts.count <= 2 else { return nil }
        return parts.count == 2 ? name : "\(namespace)/\(name)"
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.enumerated().allSatisfy { index, byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
                    true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): index > 0
                default: false
                }
            }
    }
}
