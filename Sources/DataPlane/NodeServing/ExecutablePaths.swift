package import Diagnostics
package import Manifests
import SystemInterfaces

/// Paths of executables in selectors, held against the files of this host.
package enum ExecutablePaths {
    /// Paths that are looked at: 1,000. Each takes a few calls of the system.
    private static let limit = 1_000

    /// Warnings of those that are not there, and of those that are links, or lead through one: the kernel names a process's file as links
    /// lead to it, so that they match none.
    package static func warnings(of workloads: some Sequence<Workload>) -> [Diagnostic] {
        var seen: Set<String> = []
        let paths = workloads.flatMap(\.selectors).compactMap(\.path).sorted { $0.position < $1.position }
        return paths.filter { seen.insert($0.value).inserted }.prefix(limit).compactMap(warning)
    }

    private static func warning(_ path: Located<String>) -> Diagnostic? {
        let target: String
        do throws(SystemCallError) { target = try FileWriter.realPath(path.value) } catch {
            // What cannot be seen may be there.
            return error.isMissing && !isThereForOthers(path.value) ? missing(path) : nil
        }
        guard !target.utf8.elementsEqual(path.value.utf8) else { return nil }
        return Diagnostic(
            .linkedExecutable, .warning, at: path.position,
            found: "\(Diagnostic.quoted(path.value)), which is a link on this host, or lies below one",
            expected: "the path that links lead to, as the kernel names the file: as it stands no process matches",
            remedy: "change it to \(Diagnostic.quoted(target))")
    }

    /// A service may be given mounts of its own, without the host's /home and /tmp: what lies there the first process sees.
    private static func isThereForOthers(_ path: String) -> Bool {
        (try? FileAccess.facts("/proc/1/root" + path, followingLinks: false)) != nil
    }

    private static func missing(_ path: Located<String>) -> Diagnostic {
        Diagnostic(
            .missingExecutable, .warning, at: path.position,
            found: "\(Diagnostic.quoted(path.value)), which is not there on this host",
            expected: "the path of an executable of this host: until there is one no process matches",
            remedy: "correct the path, or install the program")
    }
}

extension Diagnostic.Code {
    /// The path of an executable in a selector is a symbolic link.
    package static let linkedExecutable = Self("serving.linked-executable")
    /// There is no file at the path of an executable in a selector.
    package static let missingExecutable = Self("serving.missing-executable")
}
