import Attestation
import ConfigDelivery
import Diagnostics
import Manifests
import NodeServing
import SystemInterfaces

extension ProjectionKeeper.Host {
    /// - Parameter folders: Absolute. Those that are not there, or cannot be seen, are taken as they are named.
    static func ofThisHost(closing folders: [String]) -> ProjectionKeeper.Host {
        ProjectionKeeper.Host(
            number: { user in
                HostAccounts(asking: Set(user.name.map { [.user($0.value)] } ?? [])).number(of: user)
            },
            tell: tell,
            closedFolders: folders.map { folder in (try? FileWriter.realPath(folder)) ?? folder })
    }

    /// By systemd, which knows which process is a unit's main one.
    private static func tell(_ hook: ProjectionHook) -> String? {
        guard case .signalUnit(let signal, let unit) = hook else { return nil }
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
}
