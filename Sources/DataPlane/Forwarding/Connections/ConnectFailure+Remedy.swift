import Diagnostics

extension ConnectFailure {
    /// What to do about it, where the endpoint is another node; of TLS, as `docs/reference/tls-reasons.md` has it.
    package var remedy: String {
        switch self {
        case .system(let errno): FailedCall.resourceRemedy(errno) ?? Self.networkRemedy
        case .late: Self.networkRemedy
        case .handshake(let reason): Self.remedy(reason)
        case .noIdentity:
            "see why this node has no certificate for the caller: serving.cannot-issue, in status and log, says what its "
                + "authority lacks"
        }
    }

    private static let networkRemedy =
        "see whether heddle runs there, and whether anything stands between the two hosts"

    private static func remedy(_ reason: String) -> String {
        switch reason {
        case "expired": "look at heddle status there: renewal fails, or one of the two clocks is wrong"
        case "alert-certificate-expired":
            "look at this node's certificates in heddle status: renewal fails, or one of the two clocks is wrong"
        case "not-yet-valid": "set the clocks of the two hosts: they differ by more than 30 s"
        case "authority-expired":
            "replace the files of Mesh.spec.identity.authority on both nodes: they are taken up without a restart"
        case "unknown-authority", "alert-unknown-ca":
            "give both nodes the same authority: Mesh.spec.identity.authority"
        case "other-trust-domain": "set the same Mesh.spec.trustDomain on both nodes"
        case "alert-unrecognized-name":
            "give both nodes the same manifests: the other one serves no Service of the name that was asked for"
        case "connection-lost":
            "look into the log of heddle there, and see whether anything stands between the two hosts"
        case "invalid-chain": "look at the certificates of that node with openssl verify"
        case "protocol-violation", "no-h2", "no-certificate", "no-spiffe-id", "several-spiffe-ids", "bad-spiffe-id",
            "not-a-leaf", "wrong-key-usage", "unexpected-service":
            "see whether heddle answers at that address, and nothing else"
        case _ where reason.hasPrefix("alert-"): "look into the log of heddle there: it says why this node is refused"
        default: "look into the logs of heddle on both nodes"
        }
    }
}
