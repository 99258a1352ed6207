import ArgumentParser
import Diagnostics

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check manifests: all that a reload would check, and the lint, without a running mesh.",
        discussion: """
            Each folder is checked as one whole set. Every mistake is reported with its place and how to mend it. Errors end \
            in exit code 1; warnings do not. Ports are not bound.

            What selectors and guards say of users, groups and files is held against this host. Where the mesh has Nodes, only with \
            --node, for what is that node's: the summary says what was not checked.

            Examples:
              heddle check manifests
              heddle check --node a manifests
              heddle check --output json mesh/a mesh/b
            """)

    @Argument(
        help: ArgumentHelp("Folders of manifests, single files, or - for standard input.", valueName: "dir"),
        completion: .directory)
    var folders = ["."]

    @Option(
        help: ArgumentHelp(
            "Check the set as this node would take it up, and its selectors against this host.", valueName: "name"))
    var node: String?

    @OptionGroup var format: OutputOptions

    func run() throws {
        let sets = folders.map { (folder: $0, set: ManifestSet(at: $0, node: node)) }
        switch format.output {
        case .text:
            for (folder, set) in sets {
                Output.writeError(set.renderedDiagnostics)
                Output.write("\(folder): \(Self.summary(set))\n")
            }
        case .json: Output.write(.array(sets.map { Self.json($0.folder, $0.set) }))
        }
        if sets.contains(where: { $0.set.snapshot == nil }) { throw ExitCode(1) }
    }

    private static func summary(_ set: ManifestSet) -> String {
        let errors = set.errorCount == 0 ? "no errors" : count(set.errorCount, "error")
        let warnings = set.warningCount == 0 ? "" : ", \(count(set.warningCount, "warning"))"
        let hint = set.fileCount == 0 ? "; manifests are files that end in .yaml or .yml" : ""
        return "\(count(set.resourceCount, "resource")) in \(count(set.fileCount, "file")), \(errors)\(warnings)\(hint)"
            + unchecked(set.uncheckedNodes)
    }

    /// `; not checked: selectors of node a (--node a)`.
    private static func unchecked(_ nodes: [String]) -> String {
        guard let first = nodes.first else { return "" }
        if nodes.count == 1 { return "; not checked: selectors of node \(first) (--node \(first))" }
        let rest = nodes.count > 3 ? " and \(nodes.count - 3) more" : ""
        return "; not checked: selectors of nodes \(nodes.prefix(3).joined(separator: ", "))\(rest) (--node NAME)"
    }

    private static func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }

    private static func json(_ folder: String, _ set: ManifestSet) -> JSONValue {
        [
            "folder": .string(folder), "valid": .bool(set.snapshot != nil), "files": .integer(set.fileCount),
            "resources": .integer(set.resourceCount), "errors": .integer(set.errorCount),
            "warnings": .integer(set.warningCount), "notChecked": .array(set.uncheckedNodes.map { .string($0) }),
            "diagnostics": ShownDiagnostics(set.diagnostics).json,
        ]
    }
}
