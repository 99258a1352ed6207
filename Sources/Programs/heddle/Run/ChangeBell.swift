import Attestation
import BlockingCalls
import Diagnostics
import EventLoops
import Forwarding
import Glibc
import HTTPSemantics
import LocalAttestation
import Manifests
import NodeServing
import Synchronization
import SystemInterfaces

/// Tells those who read a file that it has changed. Blocks its thread, for a bounded time each.
final class ChangeBell: Sendable {
    /// Of this process, once there is one.
    private let dataPlane = Mutex<(@Sendable () -> DataPlane?)?>(nil)

    /// How long any of them may take.
    private static let patience = Duration.seconds(5)
    /// What a file with a process's number may have, in bytes.
    private static let pidFileLimit = 64

    func attach(_ participant: ServingParticipant) {
        dataPlane.withLock { $0 = { participant.dataPlane } }
    }

    /// - Returns: Why it could not be done; `nil`: it was.
    func tell(_ hook: ProjectionHook, as workload: Workload) -> String? {
        switch hook {
        case .signalUnit(let signal, let unit): return Self.signal(unit: unit, signal)
        case .signalProcess(let signal, let pidFile): return self.signal(pidFile.value, signal, workload)
        case .call(let service, let path): return call(service.value, path, as: workload.metadata.name)
        }
    }

    // MARK: Units

    /// By systemd, which knows which process is a unit's main one.
    private static func signal(unit: String, _ signal: ProcessSignal) -> String? {
        let arguments = ["kill", "--kill-whom=main", "--signal=\(signal.rawValue)", "--", unit]
        do throws(SystemCallError) {
            let outcome = try ChildProgram("/usr/bin/systemctl", arguments).run(input: [], limit: 4_096)
            switch outcome.end {
            case .exited(0): return nil
            case .exited: return "systemctl says: \(said(outcome.errors))"
            case .killed(let number): return "systemctl was killed by signal \(number)"
            case .overdue: return "systemctl did not end within 5 s"
            }
        } catch {
            return "systemctl could not be run: \(error.reason)"
        }
    }

    private static func said(_ errors: [UInt8]) -> String {
        let text = String(decoding: errors, as: UTF8.self)
        return text.split(separator: "\n").first.map { String($0).printable } ?? "nothing"
    }

    // MARK: Processes

    /// Whoever writes the file chooses a process, and the workload's selectors say whether it may be that one.
    private func signal(_ pidFile: String, _ signal: ProcessSignal, _ workload: Workload) -> String? {
        let name = Diagnostic.quoted(pidFile)
        let pid: Int32
        do throws(SystemCallError) {
            let file = try OpenFile(pidFile, followingLast: false)
            guard file.facts.kind == .file else { return "\(name) is no regular file" }
            guard let number = Self.number(try file.bytes(limit: Self.pidFileLimit)) else {
                return "\(name) has no number of a process"
            }
            pid = number
        } catch {
            return error.errno == ELOOP ? "\(name) is a link" : "\(name): \(error.reason)"
        }
        // The first process, and this one, are no workload's, whatever its selectors say.
        guard pid > 1, pid != getpid() else { return "\(name) names process \(pid), which is none of a workload's" }
        guard let attestor = dataPlane.withLock({ $0 })?()?.attestor else { return "nothing is served now" }
        let accounts = HostAccounts(asking: Set(workload.accountNames))
        let selectors = SelectorProgram(workload.selectors, of: workload.metadata.name, accounts)
        do throws(Attestor.Nobody) {
            let process = try NamedProcess(pid)
            do throws(SystemCallError) {
                if let found = try process.difference(from: selectors, attestor, within: Self.patience) {
                    return "\(name) names a process that is not Workload \(workload.metadata.name): \(found)"
                }
                try process.send(signal.number)
                return nil
            } catch {
                return error.errno == ESRCH
                    ? "process \(pid), which \(name) names, has ended"
                    : "process \(pid), which \(name) names: \(error.reason) (\(error.call))"
            }
        } catch {
            return "\(name): \(error.reason)"
        }
    }

    /// Digits, and a line break if one likes: what programs write there.
    private static func number(_ bytes: [UInt8]) -> Int32? {
        var digits = bytes[...]
        if digits.last == UInt8(ascii: "\n") { digits.removeLast() }
        guard !digits.isEmpty, digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int32(String(decoding: digits, as: UTF8.self))
    }

    // MARK: Services

    /// One POST, as the workload, by whatever routes and rules are in force.
    private func call(_ service: ResourceName, _ path: String, as workload: ResourceName) -> String? {
        guard let dataPlane = dataPlane.withLock({ $0 })?() else { return "nothing is served now" }
        let called = "POST \(path) of Service \(service)"
        let request = CallAnswer.Request(
            .post, path, host: "\(service.name).\(service.namespace)",
            fields: [("Content-Length", "0"), ("Connection", "close")])
        do throws(SystemCallError) {
            let socket = try dataPlane.connection(as: workload)
            do throws(BrokenAnswer) {
                let answer = try CallAnswer(request, over: socket, .until(.now + Self.patience))
                guard !(200..<300).contains(answer.head.status) else { return nil }
                let reason = answer.field("x-heddle-reason").map { ", \($0.printable)" } ?? ""
                return "\(called) was answered with \(answer.head.status)\(reason)"
            } catch {
                return "\(called): \(error.description)"
            }
        } catch {
            return "\(called): \(error.reason)"
        }
    }
}

extension ProcessSignal {
    fileprivate var number: CInt {
        switch self {
        case .hangUp: SIGHUP
        case .interrupt: SIGINT
        case .terminate: SIGTERM
        case .user1: SIGUSR1
        case .user2: SIGUSR2
        case .windowChange: SIGWINCH
        }
    }
}
