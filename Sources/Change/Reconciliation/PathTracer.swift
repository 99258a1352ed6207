import Glibc
import SystemInterfaces

/// Follows a path, one component after the other, and notes each place where it could be led elsewhere.
struct PathTracer {
    /// A name in a folder that decides where a path leads: a link, the last component, or one that is missing.
    struct Hop: Hashable {
        let folder: String
        let name: String
    }

    enum Destination: Hashable {
        case existing(path: String, FileFacts.Kind)
        case missing
        case loop
        case unreadable(SystemCallError)
    }

    /// Links followed on one path, as the kernel has it. Default: 40.
    static let linkLimit = 40

    /// In the order they were met.
    private(set) var hops: [Hop] = []
    private(set) var destination = Destination.missing

    /// - Parameters:
    ///   - path: Absolute.
    ///   - realFolder: A folder whose own path is known to hold no link; `path` is then relative to it.
    ///   - willRead: Called with a folder before one of its names is looked at, so that no change to it goes unseen.
    init(_ path: String, in realFolder: String = "", willRead: (String) -> Void) {
        var components = path.split(separator: "/").map(String.init).reversed() as [String]
        var current = realFolder
        var linkCount = 0
        destination = .existing(path: current.isEmpty ? "/" : current, .folder)

        while let name = components.popLast() {
            if name == "." { continue }
            if name == ".." {
                current = current.lastIndex(of: "/").map { String(current[..<$0]) } ?? ""
                destination = .existing(path: current.isEmpty ? "/" : current, .folder)
                continue
            }
            let folder = current.isEmpty ? "/" : current
            let entry = current + "/" + name
            // The last component may be replaced; one in between matters if it is a link, which is known only then.
            if components.isEmpty {
                willRead(folder)
                hops.append(Hop(folder: folder, name: name))
            }
            var found = Self.look(at: entry)
            if !components.isEmpty, found.isLinkOrAbsent {
                willRead(folder)
                hops.append(Hop(folder: folder, name: name))
                found = Self.look(at: entry)
            }
            switch found {
            case .failed(let error):
                destination = error.isMissing ? .missing : .unreadable(error)
                if error.errno == EACCES { noteAccess(to: current, willRead) }
                return
            case .link(let target):
                linkCount += 1
                guard linkCount <= Self.linkLimit else {
                    destination = .loop
                    return
                }
                if target.hasPrefix("/") { current = "" }
                components += target.split(separator: "/").map(String.init).reversed()
                // A link to `/` or `.` has no component left that would set the destination.
                destination = .existing(path: current.isEmpty ? "/" : current, .folder)
            case .other(let kind):
                current = entry
                destination = .existing(path: entry, kind)
            }
        }
    }

    /// A folder that cannot be entered: what it is, and who may do what there, is told to who watches the one above.
    private mutating func noteAccess(to folder: String, _ willRead: (String) -> Void) {
        guard let slash = folder.lastIndex(of: "/") else { return }
        let above = slash == folder.startIndex ? "/" : String(folder[..<slash])
        willRead(above)
        hops.append(Hop(folder: above, name: String(folder[folder.index(after: slash)...])))
    }

    private enum Entry {
        case link(to: String)
        case other(FileFacts.Kind)
        case failed(SystemCallError)

        var isLinkOrAbsent: Bool {
            switch self {
            case .link, .failed: true
            case .other: false
            }
        }
    }

    private static func look(at path: String) -> Entry {
        do throws(SystemCallError) {
            let facts = try FileAccess.facts(path, followingLinks: false)
            guard facts.kind == .link else { return .other(facts.kind) }
            return .link(to: try FileAccess.target(ofLink: path))
        } catch {
            return .failed(error)
        }
    }
}
