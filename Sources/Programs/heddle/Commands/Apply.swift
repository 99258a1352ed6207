import AdminAPI
import ArgumentParser
import Diagnostics
import Reconciliation

/// What `apply` and `delete` have in common.
struct ChangeOptions: ParsableArguments {
    @Flag(help: "Say what would change, and write nothing.")
    var dryRun = false

    var query: [(name: String, value: String)] {
        dryRun ? [(name: "dryRun", value: "true")] : []
    }

    /// To be called once the mesh has taken the change.
    func noteDone() { if !dryRun { Output.noteDone("the change was taken up all the same") } }
}

struct Apply: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write manifests into the running mesh's folder, once the whole set with them in it is valid.",
        discussion: """
            A resource that is there already is replaced where it stands; a file of new ones is taken as it is. All or \
            nothing: one mistake, and nothing is written. Returns when every worker serves the change; ends in 4 if \
            something of it is held back by this host, such as a listener whose port is taken, and in 5 if the mesh ended before \
            it answered: all of the change may have been made then, or nothing.

            Examples:
              heddle apply -f orders.yaml
              heddle apply -f mesh/ --dry-run
              heddle apply -f - < orders.yaml
              heddle apply --prune              # yes, the folder was meant to be emptied
            """)

    @Option(
        name: [.short, .customLong("file")], parsing: .singleValue,
        help: ArgumentHelp(
            "A manifest, a folder of manifests, or - for standard input. May be repeated.", valueName: "path"),
        completion: .file(extensions: ["yaml", "yml"]))
    var files: [String] = []

    @OptionGroup var change: ChangeOptions

    @Flag(help: "Take up a folder that was emptied, or an edit that leaves it empty.")
    var prune = false

    @OptionGroup var location: MeshLocation
    @OptionGroup var format: OutputOptions

    func validate() throws {
        guard !files.isEmpty || prune else { throw ValidationError("Name what to apply: -f PATH.") }
    }

    func run() throws {
        let named = files.map(NamedManifests.init(at:))
        let problems = named.flatMap(\.problems)
        guard problems.isEmpty else { throw refused(problems) }
        let documents = named.flatMap(\.files).map { AppliedFile(path: $0.path, bytes: $0.bytes) }
        guard !documents.isEmpty || files.isEmpty else {
            throw failure("there are no manifests in \(files.joined(separator: ", "))", code: 1)
        }
        try location.ask(
            "POST", ["v1", "apply"], query: change.query + (prune ? [(name: "prune", value: "true")] : []),
            output: format.output, contentType: DocumentFraming.contentType, body: DocumentFraming.encode(documents),
            timeout: 0, isChange: !change.dryRun)
        change.noteDone()
    }

    /// As the running mesh would say it, which is not asked.
    private func refused(_ problems: [Diagnostic]) -> ExitCode {
        let report = ApplyReport(outcome: .refused, diagnostics: problems)
        switch format.output {
        case .text:
            Output.writeError(Diagnostic.rendered(problems) { _ in nil })
            Output.write(report.text)
        case .json: Output.write(report.json)
        }
        return ExitCode(1)
    }
}

struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove one resource from the running mesh's folder, once the set without it is valid.",
        discussion: """
            Returns when no worker serves it any more; ends in 4 if something is held back by this host that stands in the \
            manifest it was in, and in 5 if the mesh ended before it answered: it may have been removed then, or not.

            Examples:
              heddle delete service shop/orders
              heddle delete policy web-reads-orders --namespace shop --dry-run
            """)

    @OptionGroup var resource: ResourceArguments
    @OptionGroup var change: ChangeOptions

    @Flag(help: "Remove it even if nothing is left then.")
    var prune = false

    @OptionGroup var location: MeshLocation
    @OptionGroup var format: OutputOptions

    func run() throws {
        try location.ask(
            "DELETE", try resource.path,
            query: try resource.query + change.query + (prune ? [(name: "prune", value: "true")] : []),
            output: format.output, timeout: 0, isChange: !change.dryRun)
        change.noteDone()
    }
}
