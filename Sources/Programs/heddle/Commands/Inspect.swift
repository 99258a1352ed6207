import AdminAPI
import ArgumentParser

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what the running mesh serves: generation, last error, listeners, services, certificates.",
        discussion: """
            Examples:
              heddle status
              heddle status --output json --state /var/lib/heddle
            """)

    @OptionGroup var location: MeshLocation
    @OptionGroup var format: OutputOptions

    func run() throws { try location.ask("GET", ["v1", "status"], output: format.output) }
}

struct Get: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List resources that are served now.",
        discussion: """
            Examples:
              heddle get services
              heddle get policy --namespace shop
              heddle get workload shop/web-1 --output json
              heddle get all
            """)

    @Argument(
        help: ArgumentHelp("The kind, in any case, singular, plural or short; or all.", valueName: "kind"),
        completion: KindArgument.completionWithAll)
    var kind: String

    @Argument(help: ArgumentHelp("The name, or namespace/name.", valueName: "name"))
    var name: String?

    @Option(name: .shortAndLong, help: "Only resources of this namespace.")
    var namespace: String?

    @OptionGroup var location: MeshLocation
    @OptionGroup var format: OutputOptions

    func validate() throws {
        if let name {
            _ = try TypedResource(kind: kind, name: name, namespace: namespace)
        } else if kind.lowercased() != "all", let mistake = KindArgument.mistake(kind) {
            throw ValidationError(mistake)
        }
    }

    func run() throws {
        if let name {
            let resource = try TypedResource(kind: kind, name: name, namespace: namespace)
            return try location.ask("GET", resource.path, query: resource.query, output: format.output)
        }
        try location.ask(
            "GET", ["v1", "resources", kind.lowercased()],
            query: namespace.map { [(name: "namespace", value: $0)] } ?? [], output: format.output)
    }
}

struct Describe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show one resource whole, every default filled in, with what it means in its mesh.",
        discussion: """
            Examples:
              heddle describe service shop/orders
              heddle describe gateway edge
            """)

    @OptionGroup var resource: ResourceArguments
    @OptionGroup var location: MeshLocation
    @OptionGroup var format: OutputOptions

    func run() throws {
        try location.ask("GET", try resource.path + ["details"], query: try resource.query, output: format.output)
    }
}

struct ShowCertificate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate",
        abstract: "Print the certificate chain that a service account of this node serves with, in PEM.",
        discussion: """
            Never a key. A service account is named as namespace/name or by its SPIFFE ID.

            Examples:
              heddle certificate shop/orders | openssl x509 -noout -text
              heddle certificate spiffe://mesh.local/ns/shop/sa/orders --output json
            """)

    @Argument(help: ArgumentHelp("The service account, or a SPIFFE ID.", valueName: "name"))
    var name: String

    @OptionGroup var location: MeshLocation
    @OptionGroup var format: OutputOptions

    func run() throws {
        try location.ask("GET", ["v1", "certificate"], query: [(name: "id", value: name)], output: format.output)
    }
}
