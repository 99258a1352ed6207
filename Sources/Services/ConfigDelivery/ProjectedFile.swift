import Authorization
import ConfigFormats
import ConfigValues
package import Diagnostics
import HTTPSemantics
package import Manifests
import MeshSnapshot
import SPIFFE
import ServiceContracts
import SystemInterfaces

/// A file that is kept as the values of a Config are, which one workload may read.
package struct ProjectedFile: Sendable {
    let config: ResourceName
    package let projection: ConfigProjection
    /// Whose view it is.
    package let workload: Workload
    let owner: UserReference
    /// Stands for its workload, which does not ask itself.
    let request: LocalRequest

    private init?(_ projection: ConfigProjection, of config: ResourceName, _ workload: Workload, _ mesh: Mesh) {
        // Without one the set is refused.
        guard let owner = projection.owner ?? workload.soleUser else { return nil }
        self.config = config
        self.projection = projection
        self.owner = owner
        self.workload = workload
        let caller = Caller(
            SPIFFEID(
                trustDomain: mesh.trustDomain, namespace: workload.metadata.name.namespace,
                serviceAccount: workload.serviceAccount.value))
        var head = MessageHead(byteCapacity: 64, fieldCapacity: 0)
        head.setMethod(KnownMethod.get.name.bytes)
        head.path = head.append("/".utf8)
        request = LocalRequest(copying: head, hasBody: false, caller: caller)
    }

    /// Those of a node: of the workloads that run there.
    static func all(in snapshot: MeshSnapshot) -> [ProjectedFile] {
        let workloads = snapshot.resources[Workload.self]
        return snapshot.resources[Config.self].flatMap { config in
            config.projections.compactMap { projection in
                guard let workload = workloads[projection.workload.value], workload.runs(on: snapshot.node) else {
                    return nil
                }
                return ProjectedFile(projection, of: config.metadata.name, workload, snapshot.mesh)
            }
        }
    }

    /// What is to be in it now.
    func content(on board: ConfigBoard, by rules: ResourceRules) throws(Problem) -> [UInt8] {
        // What it may read there is said once there is something: rules may be for what lies below alone.
        guard board.config(config)?.value != nil else { throw .notReady }
        return try board.document(of: config, projection.format, at: .root, by: rules.judge(of: request)).bytes
    }

    /// Makes it so.
    /// - Returns: Whether its content is another one now.
    func write(_ content: [UInt8], owner: UInt32) throws(GuardedFile.Obstacle) -> Bool {
        let file = try GuardedFile(projection.path.value, for: owner)
        let found = try file.found(limit: content.count)
        if let found, found.bytes == content, found.owner == owner, found.permissions == projection.mode {
            return false
        }
        try file.replace(with: content, owner: owner, permissions: projection.mode)
        return found?.bytes != content
    }
}

extension Diagnostic.Code {
    /// A file of a Config cannot be kept as its values are, or who reads it cannot be told.
    package static let projectedFile = Self("config.projected-file")
}

extension ProjectedFile {
    func problem(_ found: String, expected: String, remedy: String) -> Diagnostic {
        Diagnostic(
            .projectedFile, at: projection.path.position, found: found, expected: expected, remedy: remedy)
    }

    /// - Returns: `nil`: there is no value yet, which is told of the Config itself.
    func problem(_ problem: Problem) -> Diagnostic? {
        let workload = Diagnostic.quoted("\(projection.workload.value)")
        switch problem.status {
        case Problem.notReady.status: return nil
        case Problem.forbidden.status:
            return self.problem(
                "Workload \(workload), which may read nothing of Config \(Diagnostic.quoted("\(config)")); the file stays as it is",
                expected: "a policy that lets it read",
                remedy: "add an ALLOW that names the Config, or remove this file")
        default:
            return self.problem(
                problem.detail, expected: "values that \(projection.format.rawValue) can say",
                remedy: "choose another format")
        }
    }

    func problem(_ obstacle: GuardedFile.Obstacle) -> Diagnostic {
        switch obstacle {
        case .noFolder(let path):
            problem(
                "\(Diagnostic.quoted(path)), which is a link, or no folder",
                expected: "folders, and no link, on the way to the file",
                remedy: "write the path that the link leads to")
        case .openToOthers(let path):
            problem(
                "\(Diagnostic.quoted(path)), where others may put another file in the place of this one",
                expected: "folders that root, Heddle's user or the file's owner has, and nobody else may write to",
                remedy: "chown or chmod it")
        case .noRegularFile(let path):
            problem(
                "\(Diagnostic.quoted(path)), which is a link, or something else that is no regular file",
                expected: "nothing, or a regular file", remedy: "remove what stands there")
        case .refused(let error, let path):
            problem(
                "\(error.reason) at \(Diagnostic.quoted(path)) (\(error.call))",
                expected: "a file that can be replaced",
                remedy: error.isMissing
                    ? "make the folder" : "give Heddle's user the right to; it is tried again by itself")
        }
    }
}
