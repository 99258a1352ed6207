import AdminAPI
import ArgumentParser
import Manifests

/// A kind of resource as people type it: told what is wrong with it by the command, which knows more than the parser.
enum KindArgument {
    /// Why a text is no kind; a sentence.
    static func mistake(_ text: String) -> String? {
        Kinds.all.descriptor(typed: text) == nil ? Kinds.all.unknownKindMessage(text) : nil
    }

    private static let names = Kinds.all.descriptors.map { $0.typedNames[0] }
    /// For shells.
    static let completion = CompletionKind.list(names)
    /// Where there are those of every kind, too.
    static let completionWithAll = CompletionKind.list(names + ["all"])
}

/// One resource: `KIND NAME`, the name with its namespace or without.
struct ResourceArguments: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The kind, in any case, singular, plural or short: service, services, svc.", valueName: "kind"),
        completion: KindArgument.completion)
    var kind: String

    @Argument(help: ArgumentHelp("The name, or namespace/name.", valueName: "name"))
    var name: String

    @Option(name: .shortAndLong, help: "The namespace. Not needed where no other has a resource of this name.")
    var namespace: String?

    func validate() throws { _ = try resource }

    private var resource: TypedResource {
        get throws { try TypedResource(kind: kind, name: name, namespace: namespace) }
    }

    /// Below `/v1/resources`.
    var path: [String] { get throws { try resource.path } }
    var query: [(name: String, value: String)] { get throws { try resource.query } }
}

/// A resource as it was typed: its name with the namespace, or the namespace apart.
struct TypedResource {
    private let kind: String
    private let name: String
    private let namespace: String?

    init(kind: String, name: String, namespace: String?) throws {
        if let mistake = KindArgument.mistake(kind) { throw ValidationError(mistake) }
        self.kind = kind.lowercased()
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ !["", ".", ".."].contains($0) }) else {
            throw ValidationError("'\(name)' is no name of a resource: write name or namespace/name.")
        }
        guard parts.count == 2 else {
            self.name = name
            self.namespace = namespace
            return
        }
        guard namespace == nil || namespace == String(parts[0]) else {
            throw ValidationError("'\(name)' and --namespace \(namespace ?? "") name two namespaces.")
        }
        self.namespace = String(parts[0])
        self.name = String(parts[1])
    }

    /// A Config's value; what else there is of one, below another word.
    func configPath(below word: String = "configs") -> [String] {
        ["v1", word] + [namespace, name].compactMap(\.self)
    }

    /// Below `/v1/resources`.
    var path: [String] { ["v1", "resources", kind, name] }
    var query: [(name: String, value: String)] { namespace.map { [(name: "namespace", value: $0)] } ?? [] }
}
