import SPIFFE

extension SPIFFEID {
    private static let scheme = "spiffe://"

    /// - Parameter text: With the scheme.
    static func canBegin(with text: String) -> Bool {
        // The trust domain may be whole or not; the path may end anywhere.
        let domain = text.dropFirst(scheme.count).prefix { $0 != "/" }
        let path = String(text.dropFirst(scheme.count + domain.count))
        return ValueLanguage.trustDomain.canMatch(.prefix(String(domain)))
            && ValueLanguage.spiffePath.canMatch(.prefix(path)) && !path.segments.dropLast().contains(where: isDots)
    }

    static func canEnd(with text: String) -> Bool {
        if let slashes = text.firstRange(of: "//") {
            // All of it but a part of the scheme.
            return scheme.hasSuffix(text[..<slashes.upperBound])
                && SPIFFEID(scheme + text[slashes.upperBound...]) != nil
        }
        // The first segment may be part of one, or of the trust domain.
        return ValueLanguage.spiffePath.canMatch(.suffix(text)) && !text.hasSuffix("/")
            && !text.segments.dropFirst().contains(where: isDots)
    }

    private static func isDots(_ segment: Substring) -> Bool { segment == "." || segment == ".." }
}

extension String {
    fileprivate var segments: [Substring] { split(separator: "/", omittingEmptySubsequences: false) }
}
