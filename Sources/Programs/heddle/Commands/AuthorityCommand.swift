import ArgumentParser
import CommonValues
import Cryptography
import Diagnostics
import SPIFFE
import WorkloadIdentity

/// `heddle authority`: what signs for a mesh of several nodes.
struct AuthorityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "authority", abstract: "Make the authority that the nodes of a mesh share.",
        subcommands: [CreateAuthority.self])
}

struct CreateAuthority: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a root, and a signing certificate under it, in a new folder.",
        discussion: """
            Every node gets signing.pem and signing.key; the root's key belongs where no node is. Nothing is overwritten, and \
            the folder is there whole or not at all. Prints what to write in the Mesh.

            Examples:
              heddle authority create --dir /etc/heddle/authority --trust-domain example.org
              heddle authority create --root authority --dir next     # another signing certificate under the same root
            """)

    /// A hundred years.
    private static let longestDays = 36_500

    @Option(
        help: ArgumentHelp("The folder to make. Nothing may be there.", valueName: "dir"), completion: .directory)
    var dir: String

    @Option(help: ArgumentHelp("The mesh's trust domain. Default: mesh.local, or the root's.", valueName: "name"))
    var trustDomain: String?

    @Option(
        help: ArgumentHelp(
            "A folder made before: its root signs the new certificate, and no other root is made.", valueName: "dir"),
        completion: .directory)
    var root: String?

    @Option(
        help: ArgumentHelp(
            "How long the root is valid, in days, 1 to \(longestDays). Default: \(days(of: SigningAuthority.rootLifetime)).",
            valueName: "days"))
    var rootDays: Int?

    @Option(
        help: ArgumentHelp(
            "How long the signing certificate is valid, in days, and no longer than its root. Default: "
                + "\(days(of: SigningAuthority.signingLifetime)), or what is left of its root.",
            valueName: "days"))
    var signingDays: Int?

    @OptionGroup var format: OutputOptions

    private var folder: String { Self.folder(dir) }

    /// Absolute, without a slash at its end.
    private static func folder(_ path: String) -> String {
        let absolute = StateLocation.absolute(path)
        return "/" + absolute.split(separator: "/").joined(separator: "/")
    }

    func validate() throws {
        if let trustDomain, TrustDomain(trustDomain) == nil {
            let meant = TrustDomain.meant(by: trustDomain).map { " Did you mean '\($0)'?" } ?? ""
            throw ValidationError(
                "'\(trustDomain.printable)' is no trust domain: \(TrustDomain.rule).\(meant)")
        }
        for (name, days) in [("root", rootDays ?? 1), ("signing", signingDays ?? 1)]
        where !(1...Self.longestDays).contains(days) {
            throw ValidationError("--\(name)-days is \(days): 1 to \(Self.longestDays) days.")
        }
        if root != nil, rootDays != nil {
            throw ValidationError("--root names a root that there is: leave out --root-days.")
        }
    }

    private static let day = Duration.seconds(86_400)
    private static func duration(days: Int) -> Duration { day * days }
    private static func days(of duration: Duration) -> Int { Int(duration.components.seconds / day.components.seconds) }

    func run() throws {
        let made: SharedAuthority
        do throws(IdentityError) {
            made = try make(at: .now)
            try made.write(to: folder)
        } catch {
            throw failure(error.message.printable + remedy(for: error), code: 1)
        }
        Output.noteDone("\(folder.printable) was made all the same")
        let report = CreatedAuthority(made, folder: folder)
        switch format.output {
        case .text: Output.write(report.text)
        case .json: Output.write(report.json)
        }
    }

    private func make(at now: UnixTime) throws(IdentityError) -> SharedAuthority {
        let signingLifetime = signingDays.map(Self.duration)
        let domain = trustDomain.flatMap { TrustDomain($0) }
        if let root {
            return try SharedAuthority(
                under: Self.folder(root), for: domain, signingLifetime: signingLifetime, at: now)
        }
        guard let domain = domain ?? TrustDomain("mesh.local") else {
            preconditionFailure("mesh.local is a trust domain")
        }
        return try SharedAuthority(
            for: domain, rootLifetime: rootDays.map(Self.duration) ?? SigningAuthority.rootLifetime,
            signingLifetime: signingLifetime, at: now)
    }

    private func remedy(for error: IdentityError) -> String {
        if let reason = error.systemError {
            return "\n" + FailedCall.remedy(reason, to: error.code == .stateFolder ? .write : .read, "the folder")
        }
        return error.code == .stateFolder ? "\nname a folder that does not exist" : ""
    }
}

/// What was made, for people and programs.
private struct CreatedAuthority {
    private let made: SharedAuthority
    private let folder: String

    init(_ made: SharedAuthority, folder: String) {
        self.made = made
        self.folder = folder
    }

    private func path(_ file: SharedAuthority.File) -> String { "\(folder)/\(file.rawValue)" }

    var text: String {
        var text = "made \(folder.printable), for trust domain \(made.trustDomain):\n"
        for file in made.files {
            let name = file.rawValue
            text += "  \(name)\(String(repeating: " ", count: 12 - name.utf8.count)) \(description(of: file))\n"
        }
        return text + "\n" + nextSteps
    }

    /// Where a node has what it signs with. A link, so that a certificate and its key are replaced at once.
    private static let link = "/etc/heddle/signing"

    /// As in docs/reference/authority.md.
    private var nextSteps: String {
        // So that each certificate has a folder of its own.
        let serial = made.signing.certificate.serial.prefix(8).lowercased()
        let place = "\(Self.link)-\(serial)"
        return """
            Bring signing.pem and signing.key to every node, and have a link say where those in use are, so that they are always
            replaced at once. There, as the user that Heddle runs as:

              install -d -m 700 \(place)
              install -m 600 signing.pem signing.key \(place)/
              ln -sfn signing-\(serial) \(Self.link).new && mv -T \(Self.link).new \(Self.link)

            \(made.isRootNew ? "Then write in the Mesh, which is the same on all nodes:" : "The Mesh stays as it is, if it names the link:")

            apiVersion: heddle/v1
            kind: Mesh
            metadata: {name: mesh}
            spec:
              trustDomain: \(JSONValue.string(made.trustDomain.name).rendered())
              identity:
                authority:
                  type: Files
                  certificateFile: \(Self.link)/\(SharedAuthority.File.signingCertificate.rawValue)
                  keyFile: \(Self.link)/\(SharedAuthority.File.signingKey.rawValue)

            """
    }

    private func description(of file: SharedAuthority.File) -> String {
        switch file {
        case .rootCertificate: "the root, valid until \(made.root.certificate.notAfter)"
        case .rootKey: "its key, which signs the next signing.pem: keep it where no node is"
        case .signingCertificate:
            "what signs for workloads, valid until \(made.signing.certificate.notAfter), and its root"
        case .signingKey: "its key"
        }
    }

    var json: JSONValue {
        let root: (JSONValue, JSONValue) =
            made.isRootNew ? (.string(path(.rootCertificate)), .string(path(.rootKey))) : (.null, .null)
        return [
            "folder": .string(folder), "trustDomain": .string(made.trustDomain.name),
            "root": Self.json(made.root.certificate, root.0, root.1),
            "signing": Self.json(
                made.signing.certificate, .string(path(.signingCertificate)), .string(path(.signingKey))),
        ]
    }

    private static func json(_ certificate: Certificate, _ file: JSONValue, _ keyFile: JSONValue) -> JSONValue {
        [
            "certificateFile": file, "keyFile": keyFile, "serial": .string(certificate.serial),
            "notBefore": .string("\(certificate.notBefore)"), "notAfter": .string("\(certificate.notAfter)"),
        ]
    }
}
