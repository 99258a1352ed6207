/// What went wrong with keys or certificates, or with the TLS that they serve. People read `message`; callers switch on `code`.
package struct CryptographyError: Error, Hashable, Sendable {
    package enum Code: String, Hashable, Sendable {
        /// A file cannot be opened or read.
        case unreadableFile = "unreadable-file"
        /// A key file that others than its owner may read.
        case exposedKeyFile = "exposed-key-file"
        /// A file without the PEM blocks it should have, or with broken ones.
        case malformedPEM = "malformed-pem"
        /// A key that is not the certificate's.
        case keyMismatch = "key-mismatch"
        /// A certificate that cannot do what it was given for.
        case unsuitableCertificate = "unsuitable-certificate"
        /// The peer broke the protocol, or has nothing in common with us.
        case protocolViolation = "protocol-violation"
        /// OpenSSL refused something else; it ran out of memory, for instance.
        case library
    }

    package let code: Code
    package let message: String
    /// `errno` of the system call that failed, if that is what went wrong.
    package let systemError: CInt?
    private var isAboutKey = false

    package init(_ code: Code, _ message: String, systemError: CInt? = nil) {
        self.code = code
        self.message = message
        self.systemError = systemError
    }

    /// Empties OpenSSL's error queue of this thread into a message: `<operation>: <reason>; <reason>`.
    /// - Parameter operation: What was tried, ready to print: `cannot read the key in "a.pem"`.
    package init(_ code: Code = .library, drainingQueueAfter operation: String) {
        var reasons: [String] = []
        while let reason = OpenSSLErrors.next() {
            if reasons.count < 4 { reasons.append(reason) }
        }
        self.init(code, reasons.isEmpty ? operation : "\(operation): \(reasons.joined(separator: "; "))")
    }
}

extension CryptographyError {
    /// The key is at fault, or its file, and not the certificate.
    package var concernsKey: Bool { isAboutKey || code == .keyMismatch || code == .exposedKeyFile }

    /// This error, as one of the key.
    package func aboutKey() -> CryptographyError {
        var error = self
        error.isAboutKey = true
        return error
    }
}

extension CryptographyError: CustomStringConvertible {
    package var description: String { message }
}
