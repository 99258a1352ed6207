/// What follows a response's head. Its request's method and its status come before whatever its sender says (RFC 9112 § 6.3):
/// there is no value of this type that gives a body to a 204, or to the answer to a HEAD.
package struct ResponseBody: Hashable, Sendable {
    package let status: UInt16
    package let length: BodyLength
    /// No response like this ever has one.
    package let isImpossible: Bool

    /// - Parameter length: As its sender has it; heeded only where there can be a body.
    package init(_ length: BodyLength, status: UInt16, answering method: KnownMethod) {
        self.status = status
        isImpossible = !Self.isPossible(status: status, answering: method)
        self.length = isImpossible ? .none : length
    }

    /// Decides for every version of HTTP. What follows an accepted upgrade or CONNECT is no body.
    package static func isPossible(status: UInt16, answering method: KnownMethod) -> Bool {
        method != .head && status >= 200 && status != 204 && status != 304
    }

    /// Its head may have `Content-Length` (RFC 9110 § 8.6).
    package var mayTellLength: Bool { status >= 200 && status != 204 }
}
