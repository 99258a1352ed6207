/// What is to be fetched over HTTP/1.1, in plain or under TLS.
package struct TransferRequest: Sendable {
    /// `http` or `https`. A redirection is not followed: it is an answer like others.
    package var url: String
    package var method = "GET"
    /// Their names and values hold no line ends.
    package var fields: [(name: String, value: String)] = []
    package var body: [UInt8]?
    package var trust = Trust()
    /// Until the connection is there, TLS included. Default: 5 s.
    package var connectTime = Duration.seconds(5)
    /// Of all of it. `nil`: as long as it goes on.
    package var totalTime: Duration? = .seconds(30)
    /// How long the other side may acknowledge nothing, asked by keepalive every 5 s after 10 s. Default: 15 s.
    package var silence = Duration.seconds(15)

    /// Whom to believe, and who one is: files of PEM.
    package struct Trust: Sendable, Hashable {
        /// `nil`: the host's authorities.
        package var authorityFile: String?
        package var certificateFile: String?
        package var keyFile: String?

        package init(authorityFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
            self.authorityFile = authorityFile
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    package init(_ url: String) { self.url = url }
}

/// The beginning of an answer.
package struct TransferHead: Sendable {
    package var status = 0
    /// Names in lower case, as they came.
    package var fields: [(name: String, value: String)] = []

    package init(status: Int = 0) { self.status = status }

    /// The first of that name, in lower case.
    package subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// Who is told what comes, on the loop's thread, one thing after the other: whatever blocks holds up every other transfer.
package protocol TransferReceiver: AnyObject, Sendable {
    func received(_ head: TransferHead)
    /// - Returns: Whether more is wanted. If not, the transfer ends, without a failure.
    func received(_ bytes: UnsafeRawBufferPointer) -> Bool
    /// The last of it.
    /// - Parameter failure: `nil`: all came, or no more was wanted.
    func ended(_ failure: TransferFailure?)
}

package struct TransferFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
