import Glibc

/// What a program is started with: what this process has itself, and over or under it what configs say.
package struct ProgramEnvironment: Sendable, Equatable {
    /// `NAME=value`
    package let entries: [[UInt8]]
    /// Of what configs say, what no config may set.
    package let withheld: [ConfigVariables.Variable]

    /// The kernel's limit for arguments and variables together (execve(2)).
    package static var largest: Int { max(131_072, min(sysconf(CInt(_SC_ARG_MAX)), 6 << 20)) }
    /// Of the kernel's own for each of them, in bytes.
    private static let pointerByteCount = 8

    /// - Parameters:
    ///   - own: This process's, as the system has them.
    ///   - overrides: What configs say is over them.
    ///   - arguments: Of the program, with its name.
    ///   - largest: As `largest` says.
    package init(
        own: [[UInt8]], _ variables: ConfigVariables, overrides: Bool, arguments: [[UInt8]],
        largest: Int = ProgramEnvironment.largest
    ) throws(InvalidVariables) {
        withheld = variables.all.filter { ReservedVariables.has($0.name) }
        let set = variables.all.filter { !ReservedVariables.has($0.name) }
        let names = Set(overrides ? set.map(\.name) : [])
        let kept = own.filter { !names.contains(Self.name(of: $0)) }
        let taken = Set(kept.map(Self.name))
        entries = kept + set.filter { !taken.contains($0.name) }.map(\.entry)

        let texts = entries + arguments + [arguments.first ?? []]
        let byteCount = texts.reduce(0) { $0 + $1.count + 1 + Self.pointerByteCount }
        guard byteCount <= largest else {
            throw InvalidVariables([
                "the environment and the arguments of the program take \(byteCount) bytes, of which the kernel takes \(largest): "
                    + "have the program read at config.mesh what is large"
            ])
        }
    }

    private static func name(of entry: [UInt8]) -> String {
        String(decoding: entry.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
    }
}
