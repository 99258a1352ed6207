import Diagnostics

/// The manifest of one service that was found: a Service, its Workload, and a rule to be filled in.
struct ServiceText {
    let text: String

    /// Where a service's processes send their calls to.
    enum Calls: Hashable {
        /// A port of their own.
        case port(UInt16)
        /// The node's.
        case node(UInt16)
        /// As is said beside another service of theirs.
        case sameAs(String)
        /// There is no port left.
        case nowhere
    }

    /// - Parameters:
    ///   - user: The name of who runs it.
    ///   - node: The Node that it runs on, in a mesh with nodes.
    init(_ service: FoundService, user: String?, node: String?, calls: Calls) {
        var lines = ["# \(service.name): listens at \(Self.described(service, user: user))."]
        if service.isOpen {
            lines += [
                "# Other hosts reach it there past the mesh, and past every rule. Let it listen at 127.0.0.1 alone once its callers come",
                "# through the mesh.",
            ]
        }
        lines += [
            "apiVersion: heddle/v1", "kind: Service", "metadata:", "  name: \(service.name)", "spec:",
            "  # What it speaks, guessed by its port: HTTP, HTTP2, GRPC or TCP. Rules about methods and paths need one of the first three.",
            "  protocol: \(Self.speaksHTTP(service.port) ? "HTTP" : "TCP")",
        ]
        if !Self.speaksHTTP(service.port) {
            lines += [
                "  # Over TCP, who calls it does so at a port of loopback that only leads here. The caller's Workload has it:",
                "  #   outbound: {tcp: [{service: \(service.name), listen: \"127.0.0.1:PORT\"}]}",
            ]
        }
        lines += [
            "---",
            "apiVersion: heddle/v1", "kind: Workload", "metadata:", "  name: \(service.name)", "spec:",
            "  service: \(service.name)",
        ]
        if let account = service.account {
            lines += [
                "  # Whom its processes serve and call as, at each of their ports: in rules, default/\(account).",
                "  serviceAccount: \(account)",
            ]
        }
        if let node { lines.append("  node: \(Self.quoted(node))") }
        lines.append("  address: \(Self.quoted(service.address))")
        lines += Self.caller(service.owner, user: user, calls)
        lines += Self.rule(service)
        text = lines.joined(separator: "\n") + "\n"
    }

    /// Which processes it is, and where they send their calls to.
    private static func caller(_ owner: FoundService.Owner, user: String?, _ calls: Calls) -> [String] {
        let outbound: [String]
        switch calls {
        case .sameAs(let other):
            return ["  # The same processes as \(other)'s, which says who they are and where they send their calls to."]
        case .nowhere: return []
        case .port(let port):
            outbound = [
                "outbound:",
                "  # Where it sends its calls to, naming a service in Host: http_proxy=http://127.0.0.1:\(port)",
                "  listen: \"127.0.0.1:\(port)\"",
            ]
        case .node(let port):
            outbound = [
                "# It sends its calls to the node's outbound.listen, naming a service in Host: http_proxy=http://127.0.0.1:\(port)"
            ]
        }
        var lines = ["  # Which processes it is, as the kernel knows them: only these call as it."]
        if owner.unit == nil, owner.executable == nil {
            lines.append(
                owner.hasOddPath
                    ? "  # What it executes has a path with blanks or other signs, and is not written here."
                    : "  # What it executes was not seen: it takes root to, and it cannot be told of a process in a container."
            )
            // Whoever is root would be this workload.
            if !owner.isTold {
                lines.append(
                    "  # Without that every process of root would be this one: name its unit or its executable, and then it calls."
                )
                let selectors = ["selectors:", "- unix: {user: root, path: /usr/sbin/PROGRAM}"]
                return lines + (selectors + outbound).map { $0.hasPrefix("#") ? "  \($0)" : "  #\($0)" }
            }
            lines.append(
                "  # Every process of this user: name its unit or its executable, if others are to be told from it.")
        }
        return lines + (["selectors:", selector(owner, user: user)] + outbound).map { "  \($0)" }
    }

    /// Where, whose and in which unit it is: for a comment, and for people.
    static func described(_ service: FoundService, user: String?) -> String {
        var parts = [service.listens.joined(separator: " and ")]
        parts.append("as user " + (user.map(Self.printable) ?? "\(service.owner.uid)"))
        if let unit = service.owner.unit { parts.append("in \(unit)") }
        if let executable = service.owner.executable { parts.append("executing \(executable)") }
        return parts.joined(separator: ", ")
    }

    private static func selector(_ owner: FoundService.Owner, user: String?) -> String {
        if let unit = owner.unit { return "- systemd: {unit: \(quoted(unit))}" }
        let name = user.flatMap { isName($0) ? $0 : nil }
        var fields = [name.map { "user: \(quoted($0))" } ?? "uid: \(owner.uid)"]
        if let executable = owner.executable { fields.append("path: \(quoted(executable))") }
        return "- unix: {\(fields.joined(separator: ", "))}"
    }

    private static func rule(_ service: FoundService) -> [String] {
        let operation =
            speaksHTTP(service.port)
            ? ["#    to: [{operation: {methods: [GET], paths: [\"/\", \"/{**}\"]}}]"] : []
        return [
            "# Who may call it: nobody, until these lines are no comments any more and name a caller.",
            "#---", "#apiVersion: heddle/v1", "#kind: AuthorizationPolicy", "#metadata:", "#  name: \(service.name)",
            "#spec:", "#  targetRefs: [{kind: Service, name: \(service.name)}]", "#  action: ALLOW", "#  rules:",
            "#  - from: [{source: {serviceAccounts: [default/CALLER]}}]",
        ] + operation
    }

    /// Ports at which people let servers of HTTP listen.
    private static func speaksHTTP(_ port: UInt16) -> Bool {
        switch port {
        case 80, 591, 3000...3009, 5000...5009, 8000...8019, 8080...8099, 8880...8889, 9000...9009, 9090...9099: true
        default: false
        }
    }

    /// A name that a selector can have (useradd(8)); others have a number still.
    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, first != UInt8(ascii: "-"), name.utf8.count <= 32 else { return false }
        return name.utf8.allSatisfy { (0x21...0x7E).contains($0) && !":/,\\".utf8.contains($0) }
            && !name.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func quoted(_ text: String) -> String { JSONValue.string(text).rendered() }

    /// On one line of a comment.
    private static func printable(_ text: String) -> String {
        String(decoding: text.utf8.map { (0x21...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}
