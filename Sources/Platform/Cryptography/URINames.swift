import COpenSSL
import SPIFFE

/// The URIs among a certificate's subject alternative names.
///
/// SAFETY: `one` shows bytes that live as long as the certificate's parsed names, which this value frees; it is therefore
/// copied out as an array.
package enum URINames {
    case none
    case one([UInt8])
    case several

    /// - Parameter certificate: An `X509 *`.
    @unsafe
    package init(of certificate: OpaquePointer) {
        var critical: CInt = 0
        guard let found = unsafe X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nil) else {
            ERR_clear_error()  // a broken extension leaves an entry; the answer is given here
            self = critical == -2 ? .several : .none  // -2: the extension stands there twice
            return
        }
        let names = OpaquePointer(found)
        defer { unsafe GENERAL_NAMES_free(names) }
        self = .none
        for index in 0..<(unsafe COpenSSL_names_count(names)) {
            guard let uri = unsafe COpenSSL_name_uri(names, index) else { continue }
            guard case .none = self else {
                self = .several
                return
            }
            let start = unsafe ASN1_STRING_get0_data(uri)
            self = .one(unsafe [UInt8](UnsafeBufferPointer(start: start, count: Int(ASN1_STRING_length(uri)))))
        }
    }
}

extension SPIFFEID {
    /// The ID that exactly these bytes spell; `nil` for anything else, an embedded NUL included.
    package init?(bytes: [UInt8]) {
        guard bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        self.init(String(decoding: bytes, as: UTF8.self))
    }
}
