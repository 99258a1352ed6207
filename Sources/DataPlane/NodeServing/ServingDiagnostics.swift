package import Cryptography
package import Diagnostics
import EventLoops
package import Forwarding
package import Manifests
package import MeshSnapshot
import SystemInterfaces
package import WorkloadIdentity

extension Diagnostic.Code {
    /// The authority names another trust domain than the Mesh.
    package static let authorityName = Self("serving.authority-name")
    /// A certificate or key file of a gateway's listener cannot be used.
    package static let badCertificate = Self("serving.bad-certificate")
    /// The authority cannot issue certificates.
    package static let cannotIssue = Self("serving.cannot-issue")
    /// A listener's certificate names no host that its callers ask for.
    package static let certificateName = Self("serving.certificate-name")
    /// A certificate in use is not valid now, or is over soon.
    package static let certificateTime = Self("serving.certificate-time")
    /// The proxy cannot be started.
    package static let cannotServe = Self("serving.cannot-serve")
    /// The limit of open files lets few connections be held.
    package static let fewDescriptors = Self("serving.few-descriptors")
    /// There was no room for a connection in the last minute.
    package static let noRoom = Self("serving.no-room")
    /// Another node cannot be connected to.
    package static let unreachedNode = Self("serving.unreached-node")
    /// A setting that is read at start only was changed.
    package static let restartNeeded = Self("serving.restart-needed")
}

extension Diagnostic {
    /// - Parameter formerGoesOn: The listener shows what it showed before; `nil`: nothing is served here.
    package static func badCertificate(
        _ tls: ListenerTLS, _ error: CryptographyError, formerGoesOn: Bool? = nil
    ) -> Diagnostic {
        let meanwhile =
            switch formerGoesOn {
            case nil: ""
            case true?: ": until then the former certificate is shown"
            case false?: ": until then nothing is served for this listener's hostname"
            }
        return Diagnostic(
            .badCertificate, at: (error.concernsKey ? tls.keyFile : tls.certificateFile).position, found: "\(error)",
            expected: "a certificate chain and its key, in PEM" + meanwhile,
            remedy: error.remedy)
    }

    package static func cannotIssue(_ mesh: Mesh, _ error: IdentityError) -> Diagnostic {
        let position: SourcePosition
        var remedy = "mend the state folder, which holds the built-in authority"
        if case .files(let certificate, let key) = mesh.identity.authority {
            position = (error.cause?.concernsKey ?? false ? key : certificate).position
            remedy = error.cause?.remedy ?? "mend the authority's files"
        } else {
            position = mesh.metadata.position
        }
        return Diagnostic(
            .cannotIssue, at: position, found: error.message,
            expected:
                "an authority that can sign: until then workloads without a valid certificate call no other node, "
                + "and are not called from there",
            remedy: error.systemError.map { errno in
                error.cause?.remedy ?? FailedCall.remedy(errno, to: error.aim, "the file")
            } ?? remedy)
    }

    /// - Parameters:
    ///   - field: Of the Mesh's spec.
    ///   - value: What is in force.
    package static func restartNeeded(_ snapshot: MeshSnapshot, _ field: String, stillIs value: Int) -> Diagnostic {
        Diagnostic(
            .restartNeeded, .warning, at: snapshot.mesh.metadata.position, found: "another \(field) than at start",
            expected: "\(value), which stays in force", remedy: "start heddle again for the new one")
    }

    package static func fewDescriptors(_ snapshot: MeshSnapshot, _ budget: DescriptorBudget) -> Diagnostic {
        Diagnostic(
            .fewDescriptors, .warning, at: snapshot.mesh.metadata.position,
            found: "a limit of \(budget.limit) open files: \(budget.connections) callers' connections at most",
            expected: "room for \(min(snapshot.mesh.proxy.limits.connections, DescriptorBudget.lowConnections))",
            remedy: raiseFiles)
    }

    package static func noRoom(_ snapshot: MeshSnapshot, _ budget: DescriptorBudget) -> Diagnostic {
        Diagnostic(
            .noRoom, .warning, at: snapshot.mesh.metadata.position,
            found: "no room for another connection, within the last minute",
            expected:
                "fewer than \(budget.connections) callers' connections, and fewer than \(budget.limit) open files",
            remedy: budget.isBoundByDescriptors
                ? raiseFiles
                : "find out who connects; raise proxy.limits.connections if they are meant to")
    }

    /// - Parameter node: `nil`: it has another address by now.
    package static func unreachedNode(_ node: Node?, _ address: String, _ outage: Outage, in snapshot: MeshSnapshot)
        -> Diagnostic
    {
        Diagnostic(
            .unreachedNode, .warning, at: node?.address.position ?? snapshot.mesh.metadata.position,
            found:
                "node \(node.map { Diagnostic.quoted($0.metadata.name.name) } ?? "") at \(address), not reached since "
                + "\(outage.since), last tried at \(outage.last): \(outage.failure.explanation)",
            expected: "a node that takes calls: those to its workloads fail meanwhile",
            remedy: outage.failure.remedy)
    }

    private static let raiseFiles =
        "raise the hard limit of open files (LimitNOFILE= of the unit, ulimit -Hn), and start heddle again"

    package static func cannotServe(_ snapshot: MeshSnapshot, _ error: any Error) -> Diagnostic {
        Diagnostic(
            .cannotServe, at: snapshot.mesh.metadata.position, found: "\(error)", expected: "a proxy that can start",
            remedy: (error as? SystemCallError).flatMap { FailedCall.resourceRemedy($0.errno) }
                ?? "look at the limits of this process (ulimit -a)")
    }
}

extension CryptographyError {
    /// What to do about a certificate and key that cannot be used.
    fileprivate var remedy: String {
        if let systemError { return FailedCall.remedy(systemError, to: concernsKey ? .readKey : .read, "the file") }
        return switch code {
        case .keyMismatch: "put the certificate's own key in the place of this one, or this key's certificate beside it"
        case .exposedKeyFile: "let its owner alone read it"
        case .unsuitableCertificate: "put a certificate and a key in place that can be used so, made anew"
        case .unreadableFile, .malformedPEM, .protocolViolation, .library:
            "put the certificate chain and its key in place, in PEM"
        }
    }
}

extension IdentityError {
    /// What was to be done when the system refused: the state folder is written, everything else is read.
    fileprivate var aim: FailedCall.Aim { code == .stateFolder ? .write : .read }
}
