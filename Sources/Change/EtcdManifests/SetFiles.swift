package import Diagnostics
package import Reconciliation

/// What the files of a set may be: what a folder's may, and what etcd takes.
package enum SetFiles {
    /// Files of a set. Default: 10,000.
    package static let countLimit = 10_000
    /// Of one file: etcd takes 1.5 MiB with one request. Default: 1 MiB.
    package static let fileByteLimit = 1 << 20
    /// Of all files with their names. Default: 16 MiB.
    package static let byteLimit = 16 << 20
    static let pathByteLimit = 512

    /// - Returns: What keeps these from being a set.
    package static func problems(of files: [ManifestSource]) -> [Diagnostic] {
        guard files.count <= countLimit else {
            return [
                tooLarge(
                    .manifestsFolder, "\(files.count) files", "at most \(countLimit) in a set",
                    "put several in one file")
            ]
        }
        let byteCount = files.reduce(0) { $0 + $1.bytes.count + $1.path.utf8.count }
        guard byteCount <= byteLimit else {
            return [
                tooLarge(
                    .manifestsFolder, "\(byteCount) bytes of manifests",
                    "at most \(byteLimit) (\(byteLimit >> 20) MiB) in a set", "divide the mesh")
            ]
        }
        var problems: [Diagnostic] = []
        var names: Set<String> = []
        for file in files {
            // Texts that look the same, in other bytes, are one name here.
            if let mistake = names.insert(file.path).inserted ? nameMistake(file.path) : "a name that another file has"
            {
                problems.append(
                    Diagnostic(
                        .setDamaged, at: .place(Diagnostic.quoted(file.path)), found: mistake,
                        expected: "the path of a manifest, as one lies below a folder",
                        remedy: "push the set anew with `heddle push`"))
            }
            if file.bytes.count > fileByteLimit {
                problems.append(
                    tooLarge(
                        .place(file.path), "\(file.bytes.count) bytes",
                        "at most \(fileByteLimit) (\(fileByteLimit >> 20) MiB) in a file of a set", "split the file"))
            }
        }
        return problems
    }

    private static func nameMistake(_ path: String) -> String? {
        let names = path.split(separator: "/", omittingEmptySubsequences: false)
        guard path.utf8.count <= pathByteLimit else { return "a name of \(path.utf8.count) bytes" }
        guard names.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") }), !path.unicodeScalars.contains(where: \.isControl)
        else { return "a name that leads elsewhere, or that is hidden" }
        return names.last.map { ManifestName.isManifest(String($0)) } ?? false ? nil : "a name that is no manifest's"
    }

    private static func tooLarge(
        _ position: SourcePosition, _ found: String, _ expected: String, _ remedy: String
    ) -> Diagnostic {
        Diagnostic(.setTooLarge, at: position, found: found, expected: expected, remedy: remedy)
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool { properties.generalCategory == .control }
}
