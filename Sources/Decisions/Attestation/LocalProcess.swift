package import Manifests

/// What is known of the process at the other end of a connection within this host: what the kernel says, never what the process
/// does. Where several processes hold the socket, a fact is known if it is the same of all of them.
package struct LocalProcess: Hashable, Sendable {
    package enum Fact<Value: Hashable & Sendable>: Hashable, Sendable {
        /// To find it out takes longer than a call at rest should wait: nobody has asked yet.
        case notAsked
        /// It was asked for, and this stood in the way.
        case unknown(String)
        case known(Value)
    }

    /// Who made the socket.
    package let uid: UInt32
    package var gid: Fact<UInt32>
    /// Its path from the root of the hierarchy (cgroups(7), version 2): `/system.slice/web.service`.
    package var controlGroup: Fact<String>
    /// The workload that it was started as by `heddle exec`; `nil`: it was not.
    package var startedAs: Fact<ResourceName?>
    /// Who has started it, where that makes it nothing. It decides nothing; operators are told of it.
    package var startedBy: LoneProgram?
    /// The file it executes.
    package var executable: Fact<String>
    /// What that file's bytes come to, as 64 hexadecimal digits in lower case.
    package var digest: Fact<String>
    /// Its number, where it was found.
    package var pid: Int32?

    package init(
        uid: UInt32, gid: Fact<UInt32> = .notAsked, controlGroup: Fact<String> = .notAsked,
        startedAs: Fact<ResourceName?> = .notAsked, executable: Fact<String> = .notAsked,
        digest: Fact<String> = .notAsked, pid: Int32? = nil
    ) {
        self.uid = uid
        self.gid = gid
        self.controlGroup = controlGroup
        self.startedAs = startedAs
        self.executable = executable
        self.digest = digest
        self.pid = pid
    }
}

/// A program that `heddle exec` has started without a control group: what it starts is not its workload.
package struct LoneProgram: Hashable, Sendable {
    package let workload: ResourceName
    package let pid: Int32

    package init(workload: ResourceName, pid: Int32) {
        self.workload = workload
        self.pid = pid
    }
}

/// What there is to find out of a process, the next one always with more to do than the one before.
package enum FactDepth: Int, Comparable, Sendable {
    /// The path of its control group, and what it was started as.
    case controlGroup
    /// The process itself: its group, and its executable's path.
    case process
    /// Its executable's bytes.
    case digest

    package static func < (left: FactDepth, right: FactDepth) -> Bool { left.rawValue < right.rawValue }
}

extension LocalProcess: CustomStringConvertible {
    /// What was found, for a log: `uid 1001, gid 1001, cgroup "/system.slice/web.service", pid 812, executable "/usr/bin/web"`.
    package var description: String {
        var parts = ["uid \(uid)"]
        parts += Self.part("gid", gid) { "\($0)" }
        parts += Self.part("cgroup", controlGroup, Self.quoted)
        switch startedAs {
        case .known(let workload?): parts.append("started as \(workload)")
        case .unknown(let why) where controlGroup != .unknown(why):
            parts.append("what it was started as unknown (\(why))")
        case .notAsked, .known(nil), .unknown: break
        }
        if let pid { parts.append("pid \(pid)") }
        parts += Self.part("executable", executable, Self.quoted)
        parts += Self.part("sha256", digest) { $0.shortened }
        return parts.joined(separator: ", ")
    }

    /// A path, which whoever made what is there has chosen.
    private static func quoted(_ path: String) -> String { path.quoted(within: 256) }

    private static func part<Value>(_ name: String, _ fact: Fact<Value>, _ text: (Value) -> String) -> [String] {
        switch fact {
        case .notAsked: []
        case .unknown(let why): ["\(name) unknown (\(why.shortened))"]
        case .known(let value): ["\(name) \(text(value))"]
        }
    }
}

extension String {
    /// What is told of one thing that others may have named: 256 bytes. Of more its beginning and, as that tells paths apart, its end.
    var shortened: String {
        guard utf8.count > 256 else { return self }
        return String(decoding: utf8.prefix(96), as: UTF8.self) + "\u{2026}"
            + String(decoding: utf8.suffix(157), as: UTF8.self)
    }
}
