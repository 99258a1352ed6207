import COpenSSL

extension Certificate {
    /// The DNS names among its subject's alternative names, in lower case and in order; what is no ASCII is left out.
    package var hosts: [String] {
        guard let found = unsafe X509_get_ext_d2i(pointer, NID_subject_alt_name, nil, nil) else {
            ERR_clear_error()  // a broken extension leaves an entry
            return []
        }
        let names = OpaquePointer(found)
        defer { unsafe GENERAL_NAMES_free(names) }
        var hosts: [String] = []
        for index in 0..<(unsafe COpenSSL_names_count(names)) {
            guard let name = unsafe COpenSSL_name_dns(names, index) else { continue }
            let bytes = unsafe UnsafeBufferPointer(
                start: ASN1_STRING_get0_data(name), count: Int(ASN1_STRING_length(name)))
            guard unsafe bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else { continue }
            hosts.append(unsafe String(decoding: bytes, as: UTF8.self).lowercased())
        }
        return hosts
    }

    /// Whether callers find what they ask for among its names, as RFC 9525 § 6.3 has them compare: a wildcard stands for one
    /// label.
    /// - Parameter hostname: In lower case; of one that begins with `*.`, some host below it will do.
    package func names(_ hostname: String) -> Bool {
        if hostname.hasPrefix("*.") {
            let suffix = hostname.dropFirst()
            return hosts.contains { $0.hasSuffix(suffix) }
        }
        let above = hostname.drop { $0 != "." }
        return hosts.contains { $0 == hostname || $0.hasPrefix("*.") && $0.dropFirst() == above }
    }
}
