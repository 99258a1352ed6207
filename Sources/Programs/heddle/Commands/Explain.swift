import AdminAPI
import ArgumentParser
import Diagnostics
import Explaining

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what becomes of a call, and why; exit code 1 if it fails.",
        discussion: """
            Names the canonical form of the request, the route that takes it, each rule's verdict with its file and line, and \
            the rule that decides. Whatever the call fails for (a rule, no route, no backend, no endpoint) ends it in 1. Asks the running mesh, or with --manifests a folder. With --decision it explains a call \
            that was refused: its ID is the call's x-request-id, as the access log has it.

            Examples:
              heddle explain --from shop/web --to shop/orders --path /orders/1
              heddle explain --from shop/web --to shop/ratings --path /shop.v1.Ratings/GetRating
              heddle explain --from shop/web --to shop/ledger --from-ip 192.0.2.7
              heddle explain --from shop/web --to orders.shop --method POST --header 'x-tenant: a' --manifests mesh
              heddle explain --from shop/web --to Config/shop/web --path /values/database/host
              heddle explain --decision 5f0c8a3e1b7d4c2f
            """)

    @Option(
        help: ArgumentHelp("The caller: a service account, or a SPIFFE ID. Default: none.", valueName: "namespace/name")
    )
    var from: String?

    @Option(
        help: ArgumentHelp(
            "The service that is called, by any of its names; or Config/NAME, with what lies below it as path.",
            valueName: "service"))
    var to: String?

    @Option(help: "The method. Default: GET; POST for a service of protocol GRPC.")
    var method: String?

    @Option(help: "The path, with a query if there is one. Default: /")
    var path: String?

    @Option(
        name: .customLong("header"), parsing: .singleValue,
        help: ArgumentHelp("A header of the request. May be repeated.", valueName: "name:value"))
    var headers: [String] = []

    @Option(help: "The Host of the request. Default: the service's name. For a TCP service behind a gateway: SNI.")
    var host: String?

    @Option(help: "Which of a gateway's ports the call comes to. Default: the first that has a route for it.")
    var port: UInt16?

    @Option(
        name: .customLong("from-ip"),
        help: ArgumentHelp(
            "Where the call comes from, as the workload's node sees it. Default: none.", valueName: "address"))
    var fromIP: String?

    @Option(help: ArgumentHelp("A call of the past, by its x-request-id.", valueName: "id"))
    var decision: String?

    @Option(
        help: ArgumentHelp("Judge by the manifests of this folder, without a running mesh.", valueName: "dir"),
        completion: .directory)
    var manifests: String?

    @OptionGroup var location: MeshLocation
    @OptionGroup var format: OutputOptions

    func validate() throws {
        if decision != nil {
            let others = [
                ("from", from), ("to", to), ("method", method), ("path", path), ("header", headers.first),
                ("host", host), ("port", port.map(String.init)), ("from-ip", fromIP), ("manifests", manifests),
            ]
            if let other = others.first(where: { $0.1 != nil }) {
                throw ValidationError("--decision stands alone: without --\(other.0).")
            }
        } else if to == nil {
            throw ValidationError("Name the service that is called with --to, or a call of the past with --decision.")
        }
        if manifests != nil, location.isNamed {
            throw ValidationError("--manifests asks no running mesh: leave out --admin and --state.")
        }
        if let header = headers.first(where: { !$0.contains(":") }) {
            throw ValidationError("'\(header)' is no header: write name:value.")
        }
    }

    func run() throws {
        if let decision {
            try location.ask(
                "GET", ["v1", "decisions"], query: [(name: "id", value: decision)], output: format.output)
        } else if let manifests {
            try explain(ManifestSet(at: manifests))
        } else {
            try location.ask(
                "GET", ["v1", "explain"], query: query, output: format.output,
                shortening:
                    "that says nothing of the call: leave out what no rule asks for, or ask a folder with --manifests")
        }
    }

    private var query: [(name: String, value: String)] {
        let options = [
            ("to", to), ("method", method), ("path", path), ("from", from), ("host", host), ("fromIP", fromIP),
            ("port", port.map(String.init)),
        ]
        return options.compactMap { name, value in value.map { (name: name, value: $0) } }
            + headers.map { (name: "header", value: $0) }
    }

    private func explain(_ set: ManifestSet) throws {
        guard let snapshot = set.snapshot else {
            Output.writeError(set.renderedDiagnostics)
            throw ExitCode(1)
        }
        var question = CallQuestion(from: from, to: to ?? "")
        question.method = method
        question.path = path
        question.host = host
        question.fromAddress = fromIP
        question.port = port
        question.fields = headers.map { header in
            let parts = header.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (name: String(parts[0]), value: String(parts[1]))
        }
        let explanation: CallExplanation
        do throws(CallQuestion.Mistake) {
            explanation = try CallExplanation(question, in: snapshot)
        } catch {
            throw failure("\(error)", code: 2)
        }
        switch format.output {
        case .text: Output.write(explanation.text)
        case .json: Output.write(explanation.json)
        }
        if !explanation.isServed { throw ExitCode(1) }
    }
}
