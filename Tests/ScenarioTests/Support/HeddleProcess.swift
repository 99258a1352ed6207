import Glibc
import TestSupport

/// `heddle run`, as built beside these tests.
final class HeddleProcess: Sendable {
    let process: ChildProcess

    /// - Parameters:
    ///   - descriptors: Its limit of open files; the limit of the tests where `nil`.
    ///   - softDescriptors: The one that it may raise.
    ///   - capability: What root may otherwise do, as setpriv calls it: `sys_ptrace`.
    ///   - readOnly: A folder that it sees mounted for reading only. Only root can do that, with unshare.
    ///   - hidden: A folder in which it sees nothing of what lies there, as the first process of its processes does. Likewise.
    ///   - command: What else starts it, and is it afterwards.
    init(
        _ folder: TestFolder, node: String? = nil, state: String? = nil, descriptors: Int? = nil,
        softDescriptors: Int? = nil, readOnly: String? = nil, hidden: String? = nil, lacking capability: String? = nil,
        through command: [String] = []
    ) throws {
        var arguments = ["run", "--manifests", folder.manifests, "--state", state ?? folder.state(node)]
        if let node { arguments += ["--node", node] }
        let logs = folder.file("logs")
        let limit = descriptors.map { "ulimit -n \($0)" } ?? softDescriptors.map { "ulimit -S -n \($0)" }
        if let limit {
            let words = ["-c", "\(limit); exec \"$@\"", "sh", Heddle.path] + arguments
            process = try ChildProcess("/bin/sh", words, folder: logs)
        } else if let capability {
            process = try ChildProcess(
                "setpriv", ["--bounding-set", "-\(capability)", Heddle.path] + arguments, folder: logs)
        } else if let hidden {
            // The outer one is the first process; all end with it.
            let script = "unshare -m sh -c 'mount -t tmpfs tmpfs \"$0\" && exec \"$@\"' '\(hidden)' \"$@\" & wait"
            process = try ChildProcess(
                "unshare",
                ["-m", "-p", "-f", "--mount-proc", "--kill-child", "/bin/sh", "-c", script, "sh", Heddle.path]
                    + arguments,
                folder: logs)
        } else if let readOnly {
            // In a place of its own, so that nothing is left mounted however the tests end.
            let script =
                "mount --bind '\(readOnly)' '\(readOnly)' && mount -o remount,ro,bind '\(readOnly)' && exec \"$@\""
            process = try ChildProcess(
                "unshare", ["-m", "/bin/sh", "-c", script, "sh", Heddle.path] + arguments, folder: logs)
        } else {
            let words = command + [Heddle.path] + arguments
            process = try ChildProcess(words[0], Array(words.dropFirst()), folder: logs)
        }
    }

    /// Starts, and waits until it has said that it serves.
    static func serving(
        _ folder: TestFolder, node: String? = nil, state: String? = nil, descriptors: Int? = nil,
        softDescriptors: Int? = nil, readOnly: String? = nil, hidden: String? = nil, lacking capability: String? = nil,
        through command: [String] = []
    ) throws -> HeddleProcess {
        let heddle = try HeddleProcess(
            folder, node: node, state: state, descriptors: descriptors, softDescriptors: softDescriptors,
            readOnly: readOnly, hidden: hidden, lacking: capability, through: command)
        try heddle.waitUntilServing()
        return heddle
    }

    var errors: String { process.errors }

    /// What runs a command beside one from which something is hidden, with the mounts that the first process has.
    var beside: [String] {
        let first = Files.text("/proc/\(process.id)/task/\(process.id)/children").prefix { $0.isNumber }
        return ["nsenter", "-t", "\(first)", "-m", "-p"]
    }

    /// Numbers of the generations it has said to serve, in order.
    var servedGenerations: [Int] {
        errors.split(separator: "\n").compactMap { line in
            guard line.contains(" serving"), let start = line.firstRange(of: "generation=") else { return nil }
            return Int(line[start.upperBound...].prefix { $0.isNumber })
        }
    }

    func waitUntilServing(generationsBefore: Int = 0) throws {
        try wait("serving") { self.servedGenerations.count > generationsBefore }
    }

    func wait(_ what: String, until condition: () -> Bool) throws {
        let isMet = Poll.until { condition() || process.exit() != nil }
        guard isMet, condition() else {
            throw SetUpError("not \(what); exit: \(String(describing: process.exit()))\n\(errors)")
        }
    }

    /// Changes the folder by `change` and waits until the whole process serves it.
    func serve(_ change: () throws -> Void) throws {
        let before = servedGenerations.count
        try change()
        try waitUntilServing(generationsBefore: before)
    }

    /// Changes the folder by `change` and waits until it is refused.
    /// - Returns: What was printed since.
    func refuse(_ change: () throws -> Void) throws -> String {
        let before = errors
        try change()
        try wait("refusing") { self.errors.dropFirst(before.count).contains("refused") }
        return String(errors.dropFirst(before.count))
    }

    /// SIGTERM, and what becomes of it.
    func terminate() -> ChildProcess.Exit? {
        process.send(SIGTERM)
        let exit = process.waitForExit()
        if case .signal = exit { print(errors) }  // where it crashed
        return exit
    }

    /// What it saw for reading only can be written from now on.
    func makeWritable(_ path: String, in folder: TestFolder) throws {
        let result = try Tool.run(
            "nsenter", ["-t", "\(process.id)", "-m", "mount", "-o", "remount,rw,bind", path], in: folder)
        guard result.status == .code(0) else { throw SetUpError("remount: \(result.errors)") }
    }

    func kill() {
        process.send(SIGKILL)
        _ = process.waitForExit()
    }
}
