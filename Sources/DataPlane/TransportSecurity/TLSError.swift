import COpenSSL

/// What went wrong with keys, certificates or TLS. People read `message`; callers switch on `code`.
package struct TLSError: Error, Hashable, Sendable {
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
    init(_ code: Code = .library, drainingQueueAfter operation: String) {
        var reasons: [String] = []
        while let entry = OpenSSLQueueEntry.next() {
            if reasons.count < 4 { reasons.append(entry.text) }
        }
        self.init(code, reasons.isEmpty ? operation : "\(operation): \(reasons.joined(separator: "; "))")
    }
}

extension TLSError {
    /// The key is at fault, or its file, and not the certificate.
    package var concernsKey: Bool { isAboutKey || code == .keyMismatch || code == .exposedKeyFile }

    /// The same of a key.
    func aboutKey() -> TLSError {
        var error = self
        error.isAboutKey = true
        return error
    }
}

extension TLSError: CustomStringConvertible {
    package var description: String { message }
}

/// An entry of OpenSSL's error queue of the current thread.
struct OpenSSLQueueEntry {
    let library: CInt
    let reason: CInt
    let text: String

    /// Takes the oldest entry off the queue.
    static func next() -> OpenSSLQueueEntry? {
        // SAFETY: OpenSSL hands out static strings, and `data` that lives until the queue's next use, which is copied.
        var data: UnsafePointer<CChar>?
        var flags: CInt = 0
        let packed = unsafe ERR_get_error_all(nil, nil, nil, &data, &flags)
        guard packed != 0 else { return nil }
        var text = "error \(String(packed, radix: 16))"
        if let reason = unsafe ERR_reason_error_string(packed) { text = unsafe String(cString: reason) }
        if flags & ERR_TXT_STRING != 0, let data = unsafe data, unsafe data.pointee != 0 {
            text += unsafe " (\(String(cString: data)))"
        }
        return OpenSSLQueueEntry(library: ERR_GET_LIB(packed), reason: ERR_GET_REASON(packed), text: text)
    }
}
