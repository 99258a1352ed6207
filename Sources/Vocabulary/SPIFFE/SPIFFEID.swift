/// A SPIFFE ID (SPIFFE-ID § 2): `spiffe://trust-domain/path`.
package struct SPIFFEID: Hashable, Sendable, CustomStringConvertible {
    package let trustDomain: TrustDomain
    /// Empty, or `/` and segments of letters, digits, `.`, `-`, `_`; never `.` or `..` alone, never a trailing slash.
    package let path: String

    /// - Returns: `nil` if `text` is not a SPIFFE ID, or is longer than 2,048 bytes.
    package init?(_ text: String) {
        let scheme = "spiffe://"
        guard text.utf8.count <= Self.byteLimit, text.hasPrefix(scheme) else { return nil }
        let rest = text.utf8.dropFirst(scheme.utf8.count)
        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        guard let trustDomain = TrustDomain(String(Substring(rest[..<slash]))) else { return nil }
        let path = String(Substring(rest[slash...]))
        guard path.isEmpty || Self.isPath(path) else { return nil }
        self.trustDomain = trustDomain
        self.path = path
    }

    /// The ID of a service account: `spiffe://<trust domain>/ns/<namespace>/sa/<name>`.
    /// - Parameters: names as the manifests allow them, so that nothing here can fail.
    package init(trustDomain: TrustDomain, namespace: String, serviceAccount: String) {
        self.trustDomain = trustDomain
        path = "/ns/\(namespace)/sa/\(serviceAccount)"
    }

    /// The namespace and service account, if the path has that form.
    package var serviceAccount: (namespace: String, name: String)? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[1] == "ns", parts[3] == "sa" else { return nil }
        return (String(parts[2]), String(parts[4]))
    }

    package var description: String { "spiffe://\(trustDomain.name)\(path)" }

    private static func isPath(_ path: String) -> Bool {
        path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy {
            segment in
            guard !segment.isEmpty, !segment.elementsEqual(".".utf8), !segment.elementsEqual("..".utf8) else {
                return false
            }
            return segment.allSatisfy(segmentMayHave)
        }
    }

    package static let byteLimit = 2048

    /// Whether a segment of a path may have this byte.
    package static func segmentMayHave(_ byte: UInt8) -> Bool {
        TrustDomain.mayHave(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }
}
