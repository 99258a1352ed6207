import Diagnostics
import Glibc
import SystemInterfaces

/// Why a manifest, a link or a folder cannot be taken up as it lies there. Whoever reads the folder, running or for
/// `check`, says it in these words.
enum FileProblem {
    static func unreadable(_ path: String, _ error: SystemCallError, what: String) -> Diagnostic {
        problem(
            .folderUnreadable, path, found: error.reason, expected: "\(what) that can be read",
            remedy: FailedCall.remedy(error.errno, to: .read))
    }

    /// Its names are known, and not what they stand for.
    static func unsearchable(_ path: String) -> Diagnostic {
        problem(
            .folderUnreadable, path, found: "a folder whose files cannot be reached (\(FailedCall.reason(EACCES)))",
            expected: "a folder that can be entered",
            remedy: "let \(FailedCall.user) enter it (x beside r)")
    }

    /// - Parameters:
    ///   - link: Where the link stands.
    ///   - reason: `nil`: there is nothing at its end.
    static func brokenLink(_ path: String, at link: String, _ reason: CInt? = nil) -> Diagnostic {
        var target = ""
        do throws(SystemCallError) { target = " to " + Diagnostic.quoted(try FileAccess.target(ofLink: link)) } catch {}
        let why = reason.map { " (\(FailedCall.reason($0)))" } ?? ""
        return problem(
            .brokenLink, path, found: "a link\(target) that leads nowhere\(why)",
            expected: "a link to a file or folder",
            remedy: reason.map { FailedCall.remedy($0, to: .read, "its target") + ", or remove the link" }
                ?? "make its target, or remove the link")
    }

    /// A manifest could not be read, and is there all the same.
    /// - Parameter absolute: Where it stands.
    static func unreadableManifest(_ path: String, at absolute: String, _ error: SystemCallError) -> Diagnostic {
        var isLink = false
        do throws(SystemCallError) {
            isLink = try FileAccess.facts(absolute, followingLinks: false).kind == .link
        } catch {}
        guard isLink else { return unreadable(path, error, what: "a file") }
        return brokenLink(path, at: absolute, error.isMissing ? nil : error.errno)
    }

    /// It was waited for as long as a file may be, and did not stay as it was for the time of a look.
    static func neverWhole(_ path: String) -> Diagnostic {
        problem(
            .folderUnreadable, path, found: "a file that is written to without pause",
            expected: "a file that stays as it is while it is read",
            remedy: "have it written to another name, and moved over this one once it is whole")
    }

    /// A person named it, and it is not there.
    static func missing(_ path: String) -> Diagnostic {
        problem(
            .folderMissing, path, found: "nothing", expected: "a manifest, or a folder of manifests",
            remedy: "correct the name, or make it")
    }

    /// - Parameter isNamed: A person named it; otherwise it lies in a folder of manifests.
    /// - Returns: `nil` for a file that was read, and for one that is being written.
    static func of(
        _ content: FileAccess.Content, _ path: String, isNamed: Bool = false, byteLimit: Int = ManifestSource.byteLimit
    ) -> Diagnostic? {
        switch content {
        case .bytes, .busy: nil
        case .tooLarge(let byteCount):
            problem(
                .fileTooLarge, path, found: byteCount.map { "\($0) bytes" } ?? "more",
                expected: "at most \(byteLimit) bytes (\(byteLimit >> 20) MiB)", remedy: "split the file")
        case .notAFile(let what) where isNamed:
            problem(
                .notAFile, path, found: what, expected: "a manifest, or a folder of manifests",
                remedy: "name one; what a program writes is taken from standard input, which is named -")
        case .notAFile(let what):
            problem(
                .notAFile, path, found: what, expected: "a file",
                remedy: "rename it so that it does not end in .yaml or .yml, or move it elsewhere")
        }
    }

    /// - Parameter path: Relative to the folder; empty: the folder itself.
    static func problem(
        _ code: Diagnostic.Code, _ path: String, found: String, expected: String, remedy: String
    ) -> Diagnostic {
        Diagnostic(
            code, at: path.isEmpty ? .manifestsFolder : .place(path), found: found, expected: expected, remedy: remedy)
    }
}
