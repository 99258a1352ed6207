package import Cryptography

/// Why identities cannot be had. People read `message`; callers switch on `code`.
package struct IdentityError: Error, Hashable, Sendable {
    package enum Code: String, Hashable, Sendable {
        /// A folder of secrets, the state folder's or a new authority's, cannot be made, read or written.
        case stateFolder = "state-folder"
        /// The authority's certificate or key cannot be read, or do not fit; `cause` says which.
        case authorityUnusable = "authority-unusable"
        /// The authority's time is over.
        case authorityExpired = "authority-expired"
        /// A certificate could not be made.
        case issuing
    }

    package let code: Code
    package let message: String
    package let cause: CryptographyError?
    /// `errno` of the system call that failed, if that is what went wrong.
    package let systemError: CInt?

    init(_ code: Code, _ message: String, cause: CryptographyError? = nil, systemError: CInt? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.systemError = systemError ?? cause?.systemError
    }
}

extension IdentityError: CustomStringConvertible {
    package var description: String { message }
}
